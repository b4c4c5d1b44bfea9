// What the campaign on the unikernel flashes and offers: test builds of the real loader and of the real image, whose
// flash driver can cut power (exokernel/flash_faults.h). All else of them is what ships.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FactoryIdentity } from "@flipside/image-format";
import { buildLoader } from "../../apps/agent/build/build-loader.ts";
import { buildPayloads } from "../../apps/agent/build/build-release.ts";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { unikernelTarget } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { type FlashLayout, unikernelLayout } from "@flipside/machine/factory/flash-layout";
import type { Workpiece } from "../../apps/power-cut/src/rig/rig.ts";
import {
  type CampaignImage,
  identityFor,
  type ImageRequest,
  keys,
  makeImage,
} from "../../apps/power-cut/src/stories/images.ts";
import { factoryTrustChain, updates, workpieceOf } from "./images.ts";

export interface UnikernelWorkshop {
  workpiece: Workpiece;
  layout: FlashLayout;
  bootBank: Uint8Array;
  identity: FactoryIdentity;
  first: CampaignImage;
  good: CampaignImage;
  next: CampaignImage;
  /** 4.0.0 with an app that crashes as it starts. */
  crashing: CampaignImage;
  /** 5.0.0, of which the server has one chunk wrong: its payload is not what the signed table says. */
  spoilt: CampaignImage;
  /** A flash as made, with `first` in slot A, for a server on this port of the host's loopback. */
  factory(serverPort: number): Promise<Uint8Array>;
}

/** Long: QEMU's time is the machine's, and one that is busy must not look like an image that is slow. */
export const unikernelDeadlines = {
  confirmDeadlineMs: 60_000,
  contactDeadlineMs: 600_000,
  tries: 3,
  watchdogMs: 30_000,
};
const SPOILT_CHUNK = 3;

/** The host, from behind QEMU's NAT. */
const HOST_ADDRESS = "10.0.2.2";

export interface UnikernelWorkshopOptions {
  payloadBytes?: number;
  say?: (step: string) => void;
}

export async function openUnikernelWorkshop(options: UnikernelWorkshopOptions = {}): Promise<UnikernelWorkshop> {
  const progress = options.say ? { onProgress: options.say } : {};
  const loader = await buildLoader({ flashFaults: true });
  const { unikernelPayload: payload } = await buildPayloads({ ...progress, flashFaults: true });
  const { unikernelPayload: crashingPayload } = await buildPayloads({
    ...progress,
    flashFaults: true,
    appEntry: join(repositoryRoot, "test/end-to-end/faulty-images/app-crash.ts"),
  });
  const image = (request: ImageRequest): Promise<CampaignImage> =>
    makeImage({
      payload,
      payloadBytes: options.payloadBytes,
      target: unikernelTarget,
      deadlines: unikernelDeadlines,
      ...request,
    });
  const identity = { ...identityFor(unikernelTarget), server: { host: HOST_ADDRESS, port: 1883 } };
  const later = (name: string, releaseSequence: number): ImageRequest => ({
    ...updates.next,
    name,
    version: `${releaseSequence}.0.0`,
    releaseSequence,
  });
  const images = {
    first: await image(updates.first),
    good: await image(updates.good),
    next: await image(updates.next),
    crashing: await image({ ...later("crashing", 4), payload: crashingPayload }),
    spoilt: await image(later("spoilt", 5)),
  };
  const spoiltPayload = images.spoilt.payload.slice();
  spoiltPayload[SPOILT_CHUNK * images.spoilt.chunkBytes]! ^= 1;
  const trustChain = await factoryTrustChain();
  return {
    workpiece: workpieceOf(unikernelLayout, identity, Object.values(images)),
    layout: unikernelLayout,
    bootBank: bootBank(new Uint8Array(readFileSync(loader.binaryPath)), [keys.root.publicKey]),
    identity,
    ...images,
    spoilt: { ...images.spoilt, payload: spoiltPayload },
    factory: (port) =>
      factoryFlash({
        layout: unikernelLayout,
        identity: { ...identity, server: { host: HOST_ADDRESS, port } },
        trustChain,
        image: images.first.file,
      }),
  };
}
