// The demo fleet: one unikernel in QEMU and any number of virtual devices, made once and kept in one folder.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  openSync,
  readdirSync,
  closeSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { encodeFactoryRecord, type FactoryIdentity, newFactoryIdentity, toBase64Url } from "@flipside/image-format";
import { TLS_HOST_PREFIX } from "@flipside/image-format/portable/channel-prefix";
import type { BuiltRelease, VirtualRelease } from "../../agent/build/build-release.ts";
import { PRODUCT, unikernelTarget } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { layoutOf, unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { Fleet } from "@flipside/machine/node/fleet";
import { type Claim, flashPath, identityPath, readDeviceFile } from "@flipside/machine/node/manufacture";
import { Unikernel } from "@flipside/machine/qemu/unikernel";
import { isLoopback, isWildcard } from "../../../packages/processes/src/reach.ts";
import type { Prepared, PreparedVirtual } from "./prepare.ts";

export const unikernelId = "unikernel-1";
/** QEMU's NAT shows the host's loopback to the guest under this address. */
export const HOST_FROM_GUEST = "10.0.2.2";

export interface UnikernelFile {
  deviceKey: string;
  claimSecret: string;
}

interface FleetPlan {
  folder: string;
  virtualDevices: number;
  /** By TLS with devices' own keys, unless `isMqttClear`. */
  mqttPort: number;
  isMqttClear?: boolean;
  /** Where the broker listens; default: this machine alone. */
  mqttHost?: string;
}

export class DemoFleet {
  readonly #unikernel: Unikernel | undefined;
  readonly virtual: Fleet;

  private constructor(
    readonly folder: string,
    unikernel: Unikernel | undefined,
    virtual: Fleet,
    readonly claims: Claim[],
  ) {
    this.#unikernel = unikernel;
    this.virtual = virtual;
  }

  get hasUnikernel(): boolean {
    return this.#unikernel !== undefined;
  }

  /** Throws where the fleet was opened without one. */
  get unikernel(): Unikernel {
    if (!this.#unikernel) throw new Error("this fleet has no unikernel");
    return this.#unikernel;
  }

  get size(): number {
    return (this.hasUnikernel ? 1 : 0) + this.virtual.devices.size;
  }

  get deviceIds(): string[] {
    return [...(this.hasUnikernel ? [unikernelId] : []), ...this.virtual.devices.keys()];
  }

  /** Makes the devices that aren't there yet, with `release` in slot A; all are told where the broker is. */
  static async open(options: FleetPlan & { prepared: Prepared; release: BuiltRelease }): Promise<DemoFleet> {
    const { folder } = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const serialSocketPath = join(folder, unikernelId, "serial.sock");
    // Longer than a Unix socket's name may be (unix(7): 108 bytes), QEMU would not start: then there is no line to plug
    // into.
    const hasLine = Buffer.byteLength(serialSocketPath) < 108;
    const unikernel = new Unikernel({
      folder: join(folder, unikernelId),
      network: { kind: "user" },
      ...(hasLine ? { serialSocketPath } : {}),
    });
    const claim = await openUnikernel(unikernel, options);
    const virtual = await openVirtual(options);
    return new DemoFleet(folder, unikernel, virtual, [claim, ...virtual.claims()]);
  }

  /** The same without a unikernel, where the tools for it are missing. */
  static async openVirtual(
    options: FleetPlan & { prepared: PreparedVirtual; release: VirtualRelease },
  ): Promise<DemoFleet> {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const virtual = await openVirtual(options);
    return new DemoFleet(options.folder, undefined, virtual, virtual.claims());
  }

  /** For the server's --claims-file. */
  writeClaims(path: string): void {
    writeWhole(path, JSON.stringify({ claims: this.claims }));
  }

  async start(): Promise<void> {
    this.#unikernel?.powerOn();
    await this.virtual.start();
  }

  /** Takes the power away: what RAM holds of this run must not be read as a watchdog's work by the next. */
  async stop(): Promise<void> {
    await Promise.all([this.#unikernel?.cutPower(), this.virtual.stop()]);
  }
}

/**
 * Whether the devices that are kept there were made for MQTT in clear: before images spoke TLS, or because it was asked
 * for. Told to speak TLS by another factory record, an image of before would find no server.
 */
export function wasMadeInClear(folder: string): boolean {
  const virtual = join(folder, "virtual");
  if (!existsSync(virtual)) return false;
  const ending = ".identity.json";
  return readdirSync(virtual)
    .filter((name) => name.endsWith(ending))
    .map((name) => readDeviceFile(virtual, name.slice(0, -ending.length)))
    .some(({ server }) => !server.host.startsWith(TLS_HOST_PREFIX));
}

/** The broker as one who is on this machine reaches it; `loopback` is this machine's own name for itself. */
function brokerFor(plan: FleetPlan, loopback: string): { host: string; port: number } {
  const { mqttHost = "127.0.0.1", mqttPort: port, isMqttClear = false } = plan;
  const host = isLoopback(mqttHost) || isWildcard(mqttHost) ? loopback : mqttHost;
  return { host: isMqttClear ? host : TLS_HOST_PREFIX + host, port };
}

async function openVirtual(
  options: FleetPlan & { prepared: PreparedVirtual; release: VirtualRelease },
): Promise<Fleet> {
  const { prepared, release } = options;
  const virtual = new Fleet({
    folder: join(options.folder, "virtual"),
    bootWasm: prepared.bootWasm,
    rootKeys: [prepared.keys.root.publicKey],
  });
  const server = brokerFor(options, "127.0.0.1");
  for (let i = 1; i <= options.virtualDevices; i++) {
    const deviceId = `virtual-${String(i).padStart(2, "0")}`;
    redirectVirtual(virtual.options.folder, deviceId, server);
    await virtual.manufacture({ deviceId, server, trustChain: prepared.keys.trustChain, image: release.virtualImage });
    await writeFactoryRecordOfVirtual(virtual.options.folder, deviceId);
  }
  return virtual;
}

async function openUnikernel(
  unikernel: Unikernel,
  options: FleetPlan & { prepared: Prepared; release: BuiltRelease },
): Promise<Claim> {
  const { prepared, release } = options;
  const path = join(unikernel.options.folder, "identity.json");
  const server = brokerFor(options, HOST_FROM_GUEST);
  const hardware = { name: unikernelTarget.hardwareName, revision: unikernelTarget.revision };
  let identity: FactoryIdentity;
  if (existsSync(path)) {
    const file = JSON.parse(readFileSync(path, "utf8")) as UnikernelFile;
    const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));
    identity = {
      deviceId: unikernelId,
      product: PRODUCT,
      hardware,
      server,
      deviceKey: bytes(file.deviceKey),
      claimSecret: bytes(file.claimSecret),
    };
  } else {
    identity = newFactoryIdentity({ deviceId: unikernelId, product: PRODUCT, hardware, server });
    writeWhole(
      path,
      JSON.stringify({
        deviceKey: toBase64Url(identity.deviceKey),
        claimSecret: toBase64Url(identity.claimSecret),
      } satisfies UnikernelFile),
    );
  }
  const bank = bootBank(new Uint8Array(readFileSync(prepared.loader.binaryPath)), [prepared.keys.root.publicKey]);
  if (!unikernel.isManufactured) {
    unikernel.manufacture(
      bank,
      await factoryFlash({
        layout: unikernelLayout,
        identity,
        trustChain: prepared.keys.trustChain,
        image: release.unikernelImage,
      }),
    );
  }
  writeAt(unikernel.flashPath, unikernelLayout.zones.factory.offsetBytes, await encodeFactoryRecord(identity));
  return { deviceId: unikernelId, secret: toBase64Url(identity.claimSecret) };
}

/** A virtual device that was made for another broker is told the new one, as its factory would. */
function redirectVirtual(folder: string, deviceId: string, server: { host: string; port: number }): void {
  if (!existsSync(identityPath(folder, deviceId))) return;
  const file = readDeviceFile(folder, deviceId);
  if (file.server.port === server.port && file.server.host === server.host) return;
  writeWhole(identityPath(folder, deviceId), JSON.stringify({ ...file, server }, null, 2));
}

async function writeFactoryRecordOfVirtual(folder: string, deviceId: string): Promise<void> {
  const file = readDeviceFile(folder, deviceId);
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));
  const record = await encodeFactoryRecord({
    ...file,
    deviceKey: bytes(file.deviceKey),
    claimSecret: bytes(file.claimSecret),
  });
  writeAt(flashPath(folder, deviceId), layoutOf(file.geometry).zones.factory.offsetBytes, record);
}

function writeAt(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  try {
    writeSync(file, bytes, 0, bytes.length, offset);
  } finally {
    closeSync(file);
  }
}

function writeWhole(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}
