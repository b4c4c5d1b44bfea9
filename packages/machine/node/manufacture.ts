// Makes virtual devices: identity, flash as it leaves the factory, and beside it the identity as a file, from which the
// operator takes the claim.
//   <deviceId>.flash           the whole flash
//   <deviceId>.identity.json   DeviceFile; only its owner can read it, since it holds the device key and the claim
//   secret

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FactoryIdentity, newFactoryIdentity } from "@flipside/image-format";
import { PRODUCT, virtualTarget } from "../src/factory/targets.ts";
import { factoryFlash } from "../src/factory/factory-flash.ts";
import { KIB, layoutOf } from "../src/factory/flash-layout.ts";

export interface FlashGeometry {
  sectorBytes: number;
  pageBytes: number;
  slotBytes: number;
}

/** Of demo devices. */
export const demoGeometry: FlashGeometry = { sectorBytes: 64 * KIB, pageBytes: 4 * KIB, slotBytes: 512 * KIB };

/** What lies in <deviceId>.identity.json; keys are base64url. */
export interface DeviceFile {
  deviceId: string;
  product: string;
  hardware: { name: string; revision: number };
  server: { host: string; port: number };
  /** Ed25519 seed. */
  deviceKey: string;
  claimSecret: string;
  geometry: FlashGeometry;
}

/** What the server imports so that the device may enrol. */
export interface Claim {
  deviceId: string;
  /** base64url. */
  secret: string;
}

export interface ManufactureOptions {
  deviceId: string;
  /** Where the first connection goes. */
  server: { host: string; port: number };
  trustChain: Uint8Array;
  /** Image file of `virtualTarget` for slot A. */
  image: Uint8Array;
  geometry?: FlashGeometry;
}

export interface ManufacturedDevice {
  device: DeviceFile;
  flash: Uint8Array;
}

/** A device without files. */
export async function manufactureInMemory(options: ManufactureOptions): Promise<ManufacturedDevice> {
  const identity = newFactoryIdentity({
    deviceId: options.deviceId,
    product: PRODUCT,
    hardware: { name: virtualTarget.hardwareName, revision: virtualTarget.revision },
    server: options.server,
  });
  const device = toDeviceFile(identity, options.geometry ?? demoGeometry);
  return { device, flash: await flashOf(device, options) };
}

/**
 * Makes the device in `folder`, unless it is there already. What was begun and interrupted is completed with the same
 * identity.
 */
export async function manufactureVirtualDevice(folder: string, options: ManufactureOptions): Promise<DeviceFile> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(identityPath(folder, options.deviceId))) {
    const { device, flash } = await manufactureInMemory(options);
    writeWhole(identityPath(folder, device.deviceId), JSON.stringify(device, null, 2) + "\n");
    writeWhole(flashPath(folder, device.deviceId), flash);
    return device;
  }
  const device = readDeviceFile(folder, options.deviceId);
  if (!existsSync(flashPath(folder, options.deviceId)))
    writeWhole(flashPath(folder, options.deviceId), await flashOf(device, options));
  return device;
}

export function flashPath(folder: string, deviceId: string): string {
  return join(folder, `${deviceId}.flash`);
}

export function identityPath(folder: string, deviceId: string): string {
  return join(folder, `${deviceId}.identity.json`);
}

/** Throws when there is no such device, or its file can't be used. */
export function readDeviceFile(folder: string, deviceId: string): DeviceFile {
  const path = identityPath(folder, deviceId);
  let device: DeviceFile;
  try {
    device = JSON.parse(readFileSync(path, "utf8")) as DeviceFile;
  } catch (error) {
    throw new Error(`${path} can't be read: ${(error as Error).message}`);
  }
  if (
    device.deviceId !== deviceId ||
    typeof device.claimSecret !== "string" ||
    typeof device.deviceKey !== "string" ||
    !device.geometry
  ) {
    throw new Error(`${path} is no identity of ${deviceId}`);
  }
  return device;
}

export function claimOf(device: DeviceFile): Claim {
  return { deviceId: device.deviceId, secret: device.claimSecret };
}

function toDeviceFile(identity: FactoryIdentity, geometry: FlashGeometry): DeviceFile {
  const { deviceId, product, hardware, server, deviceKey, claimSecret } = identity;
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  return { deviceId, product, hardware, server, deviceKey: text(deviceKey), claimSecret: text(claimSecret), geometry };
}

function flashOf(device: DeviceFile, options: ManufactureOptions): Promise<Uint8Array> {
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));
  const identity: FactoryIdentity = {
    ...device,
    deviceKey: bytes(device.deviceKey),
    claimSecret: bytes(device.claimSecret),
  };
  return factoryFlash({
    layout: layoutOf(device.geometry),
    identity,
    trustChain: options.trustChain,
    image: options.image,
  });
}

function writeWhole(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}
