// Modules, images and flashes of the campaigns on the Node host. Everything follows from the sources, so that a case
// that failed fails again.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildTrustChain, type FactoryIdentity, FLAG_RAISE_FLOOR, type SigningKey } from "@flipside/image-format";
import { buildBootWasm } from "../../apps/agent/build/build-loader.ts";
import { compileWasm } from "../../apps/agent/build/compile-module.ts";
import { agentSources, repositoryRoot } from "../../apps/agent/build/paths.ts";
import { memoryPages, virtualTarget } from "@flipside/machine/factory/targets";
import { buildBundle } from "@flipside/machine/wasm-bundle";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { KIB, layoutOf } from "@flipside/machine/factory/flash-layout";
import type { Workpiece } from "../../apps/power-cut/src/rig/rig.ts";
import {
  type CampaignImage,
  firstTrust,
  identityFor,
  type ImageRequest,
  keys,
  makeImage,
} from "../../apps/power-cut/src/stories/images.ts";

/** What the server beside the rig hands out. */
export type UpdateImage = CampaignImage;

/** 1.0.0, the factory's; 2.0.0, which raises the floor from 1 to 2 as it is confirmed; 3.0.0. */
export const updates = {
  first: { name: "first", version: "1.0.0", releaseSequence: 1 },
  good: {
    name: "good",
    version: "2.0.0",
    releaseSequence: 2,
    securityCounter: 2,
    change: { flags: FLAG_RAISE_FLOOR },
  },
  next: { name: "next", version: "3.0.0", releaseSequence: 3, securityCounter: 2 },
} satisfies Record<string, ImageRequest>;

/** Of a device for this campaign: what its flash may hold, and whose signatures count. */
export const workpieceOf = (
  layout: Workpiece["layout"],
  { product, hardware }: FactoryIdentity,
  images: readonly CampaignImage[],
): Workpiece => ({
  layout,
  product,
  hardware,
  images,
  rootKeys: [keys.root.publicKey],
  releaseKeys: [keys.release.publicKey, keys.secondRelease.publicKey],
});

/** The factory's, by one root key. */
export const factoryTrustChain = (): Promise<Uint8Array> =>
  buildTrustChain([{ trust: firstTrust, signedBy: [keys.root.privateJwk] }]);

export interface Workshop {
  workpiece: Workpiece;
  layout: Workpiece["layout"];
  bootWasm: Uint8Array;
  rootKey: Uint8Array;
  /** That the factory's trust chain names. */
  keys: { root: SigningKey; release: SigningKey; operations: SigningKey };
  identity: FactoryIdentity;
  /** As made: `first` in slot A. */
  factory: Uint8Array;
  first: CampaignImage;
  good: CampaignImage;
  next: CampaignImage;
  /** 2.0.0 with an app that crashes as it starts. */
  crashing: CampaignImage;
  /** 1.0.0's payload under another version, which is its sequence too, signed by this key. */
  signedBy: (key: SigningKey, sequence: number) => Promise<CampaignImage>;
  /** Held so that the engine keeps what it compiled, from boot to boot. */
  compiled: WebAssembly.Module[];
}

const deadlines = { confirmDeadlineMs: 6_000, contactDeadlineMs: 60_000, tries: 3, watchdogMs: 8_000 };

export interface WorkshopOptions {
  layout?: Workpiece["layout"];
  /** Its length is part of a header's. */
  hardwareName?: string;
  payloadBytes?: number;
  deadlines?: typeof deadlines;
}

export async function openWorkshop(options: WorkshopOptions = {}): Promise<Workshop> {
  const layout = options.layout ?? layoutOf({ sectorBytes: 16 * KIB, pageBytes: 4 * KIB, slotBytes: 160 * KIB });
  const target = { ...virtualTarget, hardwareName: options.hardwareName ?? virtualTarget.hardwareName };
  const identity = identityFor(target);
  const agent = readFileSync(
    await compileWasm({ name: "agent", entry: join(agentSources, "agent/main.ts"), memoryPages: memoryPages.agent }),
  );
  const compileApp = async (entry: string): Promise<Buffer> =>
    readFileSync(await compileWasm({ name: "app", entry, memoryPages: memoryPages.app }));
  const app = await compileApp(join(agentSources, "app/main.ts"));
  const crashingApp = await compileApp(join(repositoryRoot, "test/end-to-end/faulty-images/app-crash.ts"));
  const bootWasm = new Uint8Array(readFileSync(await buildBootWasm()));
  const image = (request: ImageRequest): Promise<CampaignImage> =>
    makeImage({
      payload: buildBundle(agent, app),
      target,
      deadlines: options.deadlines ?? deadlines,
      payloadBytes: options.payloadBytes,
      ...request,
    });
  const first = await image(updates.first);
  const good = await image(updates.good);
  const next = await image(updates.next);
  const crashing = await image({ ...updates.good, name: "crashing", payload: buildBundle(agent, crashingApp) });
  return {
    workpiece: workpieceOf(layout, identity, [first, good, next, crashing]),
    layout,
    bootWasm,
    rootKey: keys.root.publicKey,
    keys,
    identity,
    factory: await factoryFlash({ layout, identity, trustChain: await factoryTrustChain(), image: first.file }),
    first,
    good,
    next,
    crashing,
    signedBy: (key, releaseSequence) =>
      image({ name: `${releaseSequence}.0.0`, version: `${releaseSequence}.0.0`, releaseSequence, signedBy: key }),
    compiled: [agent, app, crashingApp, bootWasm].map((bytes) => new WebAssembly.Module(new Uint8Array(bytes))),
  };
}
