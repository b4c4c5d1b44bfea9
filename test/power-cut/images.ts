// Images and keys of the campaign. Everything follows from the sources, so that a case that failed fails again.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildImage,
  buildTrustChain,
  describeImage,
  type FactoryIdentity,
  FLAG_RAISE_FLOOR,
  type ImageFields,
  type SigningKey,
  slotParts,
} from "@flipside/image-format";
import { buildBootWasm } from "../../apps/agent/build/build-loader.ts";
import { imageFields } from "../../apps/agent/build/build-release.ts";
import { compileWasm } from "../../apps/agent/build/compile-module.ts";
import { agentSources, repositoryRoot } from "../../apps/agent/build/paths.ts";
import { memoryPages, PRODUCT, virtualTarget } from "@flipside/machine/factory/targets";
import { buildBundle } from "@flipside/machine/wasm-bundle";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { type FlashLayout, KIB, layoutOf } from "@flipside/machine/factory/flash-layout";
import { bytesOf, keyOf } from "../../apps/power-cut/src/stories/images.ts";

export interface UpdateImage {
  file: Uint8Array;
  header: Uint8Array;
  signatures: Uint8Array;
  table: Uint8Array;
  payload: Uint8Array;
  digest: string;
  chunkBytes: number;
  securityCounter: number;
  /** What a slot holds that holds this image. */
  parts: { offset: number; bytes: Uint8Array }[];
}

export interface Workshop {
  layout: FlashLayout;
  bootWasm: Uint8Array;
  rootKey: Uint8Array;
  /** That the factory's trust chain names. */
  keys: { root: SigningKey; release: SigningKey; operations: SigningKey };
  identity: FactoryIdentity;
  /** As made: `first` in slot A. */
  factory: Uint8Array;
  /** 1.0.0, the factory's. */
  first: UpdateImage;
  /** 2.0.0, raises the floor from 1 to 2 as it is confirmed. */
  good: UpdateImage;
  /** 3.0.0. */
  next: UpdateImage;
  /** 2.0.0 with an app that crashes as it starts. */
  crashing: UpdateImage;
  /** 1.0.0's payload under another version, which is its sequence too, signed by this key. */
  signedBy: (key: SigningKey, sequence: number) => Promise<UpdateImage>;
  /** Held so that the engine keeps what it compiled, from boot to boot. */
  compiled: WebAssembly.Module[];
}

const deadlines = { confirmDeadlineMs: 6_000, contactDeadlineMs: 60_000, tries: 3, watchdogMs: 8_000 };

export interface WorkshopOptions {
  layout?: FlashLayout;
  /** Its length is part of a header's. */
  hardwareName?: string;
  /** Payloads are made this long with zeros behind them. */
  payloadBytes?: number;
  deadlines?: typeof deadlines;
}

export async function openWorkshop(options: WorkshopOptions = {}): Promise<Workshop> {
  const layout = options.layout ?? layoutOf({ sectorBytes: 16 * KIB, pageBytes: 4 * KIB, slotBytes: 160 * KIB });
  const target = { ...virtualTarget, hardwareName: options.hardwareName ?? virtualTarget.hardwareName };
  const root = keyOf("root");
  const release = keyOf("release");
  const operations = keyOf("operations");
  const trust = {
    trustVersion: 1,
    rootThreshold: 1,
    rootKeys: [root.publicKey],
    releaseKeys: [release.publicKey],
    operationsKeys: [operations.publicKey],
  };
  const trustChain = await buildTrustChain([{ trust, signedBy: [root.privateJwk] }]);
  const identity: FactoryIdentity = {
    deviceId: "power-cut",
    product: PRODUCT,
    hardware: { name: target.hardwareName, revision: target.revision },
    server: { host: "server", port: 1883 },
    deviceKey: bytesOf("device key"),
    claimSecret: bytesOf("claim secret"),
  };

  const agent = readFileSync(
    await compileWasm({ name: "agent", entry: join(agentSources, "agent/main.ts"), memoryPages: memoryPages.agent }),
  );
  const compileApp = async (entry: string): Promise<Buffer> =>
    readFileSync(await compileWasm({ name: "app", entry, memoryPages: memoryPages.app }));
  const app = await compileApp(join(agentSources, "app/main.ts"));
  const crashingApp = await compileApp(join(repositoryRoot, "test/end-to-end/faulty-images/app-crash.ts"));
  const bootWasm = new Uint8Array(readFileSync(await buildBootWasm()));

  const image = (
    version: string,
    releaseSequence: number,
    payload: Uint8Array,
    change: Partial<ImageFields>,
    key = release,
  ): Promise<UpdateImage> =>
    updateImage(
      {
        ...imageFields(target, {
          version,
          releaseSequence,
          signingKeys: [],
          deadlines: options.deadlines ?? deadlines,
        }),
        ...change,
      },
      padded(payload, options.payloadBytes ?? payload.length),
      key,
      layout.sectorBytes,
    );
  const first = await image("1.0.0", 1, buildBundle(agent, app), {});
  const raisesFloor = { securityCounter: 2, flags: FLAG_RAISE_FLOOR };
  return {
    layout,
    bootWasm,
    rootKey: root.publicKey,
    keys: { root, release, operations },
    identity,
    factory: await factoryFlash({ layout, identity, trustChain, image: first.file }),
    first,
    good: await image("2.0.0", 2, buildBundle(agent, app), raisesFloor),
    next: await image("3.0.0", 3, buildBundle(agent, app), { securityCounter: 2 }),
    crashing: await image("2.0.0", 2, buildBundle(agent, crashingApp), raisesFloor),
    signedBy: (key, sequence) => image(`${sequence}.0.0`, sequence, buildBundle(agent, app), {}, key),
    compiled: [agent, app, crashingApp, bootWasm].map((bytes) => new WebAssembly.Module(new Uint8Array(bytes))),
  };
}

/** With zeros behind it. Throws RangeError when it is longer than that. */
export function padded(payload: Uint8Array, bytes: number): Uint8Array {
  if (payload.length > bytes) throw new RangeError(`a payload of ${payload.length} bytes can't be made ${bytes} long`);
  const longer = new Uint8Array(bytes);
  longer.set(payload);
  return longer;
}

export async function updateImage(
  fields: ImageFields,
  payload: Uint8Array,
  key: SigningKey,
  sectorBytes: number,
): Promise<UpdateImage> {
  const file = await buildImage({ fields, payload, signingKeys: [key.privateJwk] });
  const d = await describeImage(file);
  return {
    file,
    header: file.subarray(0, d.headerBytes),
    signatures: file.subarray(d.headerBytes, d.tableOffset),
    table: file.subarray(d.tableOffset, d.payloadOffset),
    payload: file.subarray(d.payloadOffset),
    digest: d.digest,
    chunkBytes: d.chunkBytes,
    securityCounter: fields.securityCounter,
    parts: await slotParts(file, sectorBytes),
  };
}
