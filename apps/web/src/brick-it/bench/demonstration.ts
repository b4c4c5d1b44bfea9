// What the demonstration is made of: the modules that ship, and around them what a factory and a release build made
// when this page was built (apps/web/build/demonstration.ts). Read from files beside the page.

import { slotPayloadOffset } from "@flipside/image-format/portable/slot-layout";
import { buildBundle } from "@flipside/machine/wasm-bundle";
import { fromBase64url } from "@flipside/protocol/primitives";
import type { KnownImage } from "./fleet-side.ts";
import { type Flavour, layout } from "./geometry.ts";

/** Apps that ship, by the file that holds each. */
export const apps = { healthy: "app.wasm", crashes: "app-crash.wasm", unhealthy: "app-unhealthy.wasm" } as const;
export type AppName = keyof typeof apps;

/** One signed image. Binary values are base64url. */
export interface SignedHead {
  flavour: Flavour;
  version: string;
  releaseSequence: number;
  /** 64 hex digits. */
  digest: string;
  header: string;
  signatures: string;
  chunkBytes: number;
  app: AppName;
}

/** demonstration.json */
export interface DemonstrationFile {
  product: string;
  hardware: { name: string; revision: number };
  deviceId: string;
  claimSecret: string;
  rootKeys: string[];
  releaseKeys: string[];
  /** Chunk table of the payload with this app. */
  tables: Record<AppName, string>;
  /** The flash as it leaves the factory, but for the payload in slot A: what is not blank of it. */
  factory: { offset: number; bytes: string }[];
  /** The first is the factory's. */
  heads: SignedHead[];
}

export interface DemonstrationImage extends KnownImage {
  flavour: Flavour;
  releaseSequence: number;
  signatures: Uint8Array;
  table: Uint8Array;
  chunkBytes: number;
  /** What an offer says of the file's size. */
  offeredBytes: number;
}

/** A device as it leaves its factory. */
export interface MadeDevice {
  product: string;
  hardware: { name: string; revision: number };
  deviceId: string;
  rootKeys: Uint8Array[];
  /** That may sign its images. */
  releaseKeys: Uint8Array[];
  bootModule: WebAssembly.Module;
  /** In slot A. */
  firstImage: KnownImage;
  flash: Uint8Array;
}

export interface Demonstration extends MadeDevice {
  claimSecret: Uint8Array;
  /** The first is the factory's. */
  images: DemonstrationImage[];
}

/** `read`: a file by its name. Throws what `read` throws. */
export async function openDemonstration(read: (name: string) => Promise<Uint8Array>): Promise<Demonstration> {
  const [text, boot, agent, ...appBytes] = await Promise.all(
    ["demonstration.json", "boot.wasm", "agent.wasm", ...Object.values(apps)].map(read),
  );
  const file = JSON.parse(new TextDecoder().decode(text)) as DemonstrationFile;
  const payloads = Object.fromEntries(
    Object.keys(apps).map((app, i) => [app, buildBundle(agent!, appBytes[i]!)]),
  ) as Record<AppName, Uint8Array>;
  const images = file.heads.map((head) => imageOf(head, file, payloads[head.app]));
  return {
    product: file.product,
    hardware: file.hardware,
    deviceId: file.deviceId,
    claimSecret: fromBase64url(file.claimSecret),
    rootKeys: file.rootKeys.map(fromBase64url),
    releaseKeys: file.releaseKeys.map(fromBase64url),
    bootModule: await WebAssembly.compile(boot as Uint8Array<ArrayBuffer>),
    images,
    firstImage: images[0]!,
    flash: factoryFlash(file, images[0]!),
  };
}

function imageOf(head: SignedHead, { tables }: DemonstrationFile, payload: Uint8Array): DemonstrationImage {
  const [header, signatures, table] = [head.header, head.signatures, tables[head.app]].map(fromBase64url) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const { flavour, version, releaseSequence, digest, chunkBytes } = head;
  return {
    name: version,
    flavour,
    version,
    releaseSequence,
    digest,
    header,
    signatures,
    table,
    payload,
    chunkBytes,
    chunkCount: Math.ceil(payload.length / chunkBytes),
    offeredBytes: header.length + signatures.length + table.length + payload.length,
  };
}

function factoryFlash({ factory }: DemonstrationFile, first: DemonstrationImage): Uint8Array {
  const flash = new Uint8Array(layout.sizeBytes).fill(0xff);
  for (const { offset, bytes } of factory) flash.set(fromBase64url(bytes), offset);
  const chunkCount = Math.ceil(first.payload.length / first.chunkBytes);
  flash.set(first.payload, layout.zones.slotA.offsetBytes + slotPayloadOffset(chunkCount, layout.sectorBytes));
  return flash;
}
