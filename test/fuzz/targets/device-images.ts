// Small images of the fuzzed device, and what a device must think of the bytes in a slot: by the packages' own reader,
// the strict verifier of the server, and plain TypeScript. Nothing of the boot loader's code has a part in it.

import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  buildImage,
  createStrictVerifier,
  encodeFactoryRecord,
  ImageHeader,
  type ImageFields,
  parseImageHeader,
  parseSignatureBlock,
  type StrictVerifier,
} from "@flipside/image-format";
import { formatSources, repositoryRoot } from "../../../apps/agent/build/paths.ts";
import { layoutOf } from "@flipside/machine/factory/flash-layout";
import { WINDOW_ADDRESS, WINDOW_BYTES } from "./device-host.ts";
import { fuzzedIdentity, trustChains } from "./formats.ts";
import { bytesOf, releaseKey, rootKey, sha256Of } from "./keys.ts";
import { isSigned } from "./signed.ts";

export const layout = layoutOf({ sectorBytes: 16384, pageBytes: 4096, slotBytes: 180_224 });
const CHUNK_BYTES = 256;
export const TRUST_VERSION = 1;
const LOADER_VERSION = 2;

export async function strictVerifier(): Promise<StrictVerifier> {
  const path = join(formatSources, "dist/strict-verifier.wasm");
  if (!existsSync(path))
    execFileSync(process.execPath, ["--import", "tsx", join(formatSources, "assembly/build-strict-verifier.ts")], {
      cwd: repositoryRoot,
      stdio: "ignore",
    });
  return createStrictVerifier(new Uint8Array(readFileSync(path)));
}

export function imageFieldsOf(changes: Partial<ImageFields> = {}): ImageFields {
  return {
    imageType: 2,
    product: fuzzedIdentity.product,
    hardware: { name: fuzzedIdentity.hardware.name, revisionMin: 1, revisionMax: 2 },
    version: "1.0.0",
    releaseSequence: 1,
    securityCounter: 1,
    loaderVersionMin: 1,
    trustVersionMin: 1,
    loadAddress: WINDOW_ADDRESS,
    entryAddress: WINDOW_ADDRESS,
    confirmDeadlineMs: 6000,
    contactDeadlineMs: 60000,
    tries: 3,
    watchdogMs: 8000,
    flags: 0,
    ...changes,
  };
}

/** Some chunks of payload that say which image it is. */
export const makeImage = (
  name: string,
  changes: Partial<ImageFields> = {},
  { payloadBytes = 600, chunkBytes = CHUNK_BYTES } = {},
): Promise<Uint8Array> =>
  buildImage({
    fields: imageFieldsOf(changes),
    payload: Uint8Array.from({ length: payloadBytes }, (_, i) => bytesOf(name)[i % 32]!),
    chunkBytes,
    signingKeys: [releaseKey.privateJwk],
  });

export interface FactoryZones {
  factory: Uint8Array;
  trust: Uint8Array;
  rootKeys: Uint8Array[];
}

export async function factoryZones(): Promise<FactoryZones> {
  return {
    factory: await encodeFactoryRecord(fuzzedIdentity),
    trust: (await trustChains())[0]!,
    rootKeys: [rootKey.publicKey],
  };
}

const header = new ImageHeader();

/** Puts an image file's parts where a slot has them; what does not parse is put as it comes. */
export function putInSlot(slot: Uint8Array, file: Uint8Array): void {
  slot.fill(0xff);
  const parsed = parseImageHeader(file, 0, file.length, header) === 0;
  const block = parsed ? parseSignatureBlock(file, header.headerBytes, file.length - header.headerBytes) : -1;
  if (block < 0) return slot.set(file.subarray(0, Math.min(file.length, slot.length)));
  const tableAt = header.headerBytes + block;
  const payloadAt = tableAt + 32 * header.chunkCount;
  slot.set(file.subarray(0, Math.min(tableAt, 4096)));
  const table = file.subarray(tableAt, Math.min(payloadAt, tableAt + slot.length - 4096));
  slot.set(table, 4096);
  const at = payloadOffset(header.chunkCount);
  if (at < slot.length && payloadAt < file.length) slot.set(file.subarray(payloadAt, payloadAt + slot.length - at), at);
}

const payloadOffset = (chunks: number): number =>
  Math.ceil((4096 + 32 * chunks) / layout.sectorBytes) * layout.sectorBytes;

export interface Admitted {
  securityCounter: number;
  releaseSequence: number;
  entryAddress: number;
  watchdogMs: number;
  digest: string;
}

/** The same, and where its parts are. */
export interface Manifest extends Admitted {
  manifestBytes: number;
  payloadOffset: number;
  chunkBytes: number;
  chunkCount: number;
  payloadBytes: number;
  tableDigest: Uint8Array;
}

/** What header and signatures say if a device may run their image (the floor apart), else why not. */
export function admittedManifest(slot: Uint8Array, verifier: StrictVerifier): Manifest | string {
  const available = Math.min(slot.length, 4096);
  if (parseImageHeader(slot, 0, available, header) !== 0) return "header";
  const h = header;
  const block = parseSignatureBlock(slot, h.headerBytes, available - h.headerBytes);
  if (block < 0) return "signature block";
  if (
    !isSigned(
      verifier,
      "image",
      [releaseKey],
      slot.subarray(0, h.headerBytes),
      slot.subarray(h.headerBytes, h.headerBytes + block),
    )
  )
    return "signature";
  const ascii = (at: number, length: number): string => Buffer.from(slot.subarray(at, at + length)).toString("latin1");
  const { product, hardware } = fuzzedIdentity;
  if (ascii(h.productOffset, h.productBytes) !== product) return "product";
  if (
    ascii(h.hardwareOffset, h.hardwareBytes) !== hardware.name ||
    hardware.revision < h.hardwareRevisionMin ||
    hardware.revision > h.hardwareRevisionMax ||
    h.imageType !== imageFieldsOf().imageType
  )
    return "hardware";
  if (h.loaderVersionMin > LOADER_VERSION || h.trustVersionMin > TRUST_VERSION) return "minimums";
  if (
    h.payloadBytes > WINDOW_BYTES ||
    payloadOffset(h.chunkCount) + Math.ceil(h.payloadBytes / 4096) * 4096 > layout.zones.slotA.sizeBytes
  )
    return "size";
  if (h.loadAddress < WINDOW_ADDRESS || h.loadAddress + h.payloadBytes > WINDOW_ADDRESS + WINDOW_BYTES)
    return "load address";
  if (h.entryAddress < h.loadAddress || h.entryAddress >= h.loadAddress + h.payloadBytes || h.entryAddress % 4 !== 0)
    return "entry address";
  return {
    manifestBytes: h.headerBytes + block,
    payloadOffset: payloadOffset(h.chunkCount),
    chunkBytes: h.chunkBytes,
    chunkCount: h.chunkCount,
    payloadBytes: h.payloadBytes,
    tableDigest: slot.slice(h.tableDigestOffset, h.tableDigestOffset + 32),
    securityCounter: h.securityCounter,
    releaseSequence: h.releaseSequence,
    entryAddress: h.entryAddress,
    watchdogMs: h.watchdogMs,
    digest: Buffer.from(sha256Of(slot.subarray(0, h.headerBytes))).toString("hex"),
  };
}

/** What is in a slot if a device may run it (the floor apart), else why not. */
export function admittedIn(slot: Uint8Array, verifier: StrictVerifier): Admitted | string {
  const manifest = admittedManifest(slot, verifier);
  if (typeof manifest === "string") return manifest;
  const {
    payloadOffset: at,
    chunkBytes,
    chunkCount,
    payloadBytes,
    tableDigest,
    securityCounter,
    releaseSequence,
    entryAddress,
    watchdogMs,
    digest,
  } = manifest;
  const table = slot.subarray(4096, 4096 + 32 * chunkCount);
  if (Buffer.compare(sha256Of(table), tableDigest) !== 0) return "chunk table";
  for (let i = 0; i < chunkCount; i++) {
    const chunk = slot.subarray(at + i * chunkBytes, at + Math.min((i + 1) * chunkBytes, payloadBytes));
    if (Buffer.compare(sha256Of(chunk), table.subarray(32 * i, 32 * i + 32)) !== 0) return "chunk";
  }
  return { securityCounter, releaseSequence, entryAddress, watchdogMs, digest };
}

const laidOut = new Uint8Array(layout.zones.slotA.sizeBytes);

/** The same of an image file, whose length must be exact. */
export function admittedFile(file: Uint8Array, verifier: StrictVerifier): Admitted | string {
  putInSlot(laidOut, file);
  const manifest = admittedManifest(laidOut, verifier);
  if (typeof manifest === "string") return manifest;
  return file.length === manifest.manifestBytes + 32 * manifest.chunkCount + manifest.payloadBytes
    ? admittedIn(laidOut, verifier)
    : "length";
}
