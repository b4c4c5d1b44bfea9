// What the campaign on the unikernel flashes and offers: test builds of the real loader and of the real image, whose
// flash driver can cut power (exokernel/flash_faults.h). All else of them is what ships.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildTrustChain, type FactoryIdentity, FLAG_RAISE_FLOOR, type ImageFields } from "@flipside/image-format";
import { buildLoader } from "../../apps/agent/build/build-loader.ts";
import { buildPayloads, imageFields } from "../../apps/agent/build/build-release.ts";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { PRODUCT, unikernelTarget } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { type FlashLayout, unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { bytesOf, keyOf } from "../../apps/power-cut/src/stories/images.ts";
import { padded, updateImage, type UpdateImage } from "./images.ts";

export interface UnikernelWorkshop {
  layout: FlashLayout;
  bootBank: Uint8Array;
  identity: FactoryIdentity;
  /** 1.0.0, the factory's. */
  first: UpdateImage;
  /** 2.0.0, raises the floor from 1 to 2 as it is confirmed. */
  good: UpdateImage;
  /** 3.0.0. */
  next: UpdateImage;
  /** 4.0.0 with an app that crashes as it starts. */
  crashing: UpdateImage;
  /** 5.0.0, of which the server has one chunk wrong: its payload is not what the signed table says. */
  spoilt: UpdateImage;
  images: UpdateImage[];
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
  /** Payloads are made this long with zeros behind them. */
  payloadBytes?: number;
  say?: (step: string) => void;
}

export async function openUnikernelWorkshop(options: UnikernelWorkshopOptions = {}): Promise<UnikernelWorkshop> {
  const progress = options.say ? { onProgress: options.say } : {};
  const root = keyOf("root");
  const release = keyOf("release");
  const trust = {
    trustVersion: 1,
    rootThreshold: 1,
    rootKeys: [root.publicKey],
    releaseKeys: [release.publicKey],
    operationsKeys: [keyOf("operations").publicKey],
  };
  const trustChain = await buildTrustChain([{ trust, signedBy: [root.privateJwk] }]);
  const loader = await buildLoader({ flashFaults: true });
  const good = await buildPayloads({ ...progress, flashFaults: true });
  const crashing = await buildPayloads({
    ...progress,
    flashFaults: true,
    appEntry: join(repositoryRoot, "test/end-to-end/faulty-images/app-crash.ts"),
  });
  const image = (
    version: string,
    releaseSequence: number,
    payload: Uint8Array,
    change: Partial<ImageFields>,
  ): Promise<UpdateImage> =>
    updateImage(
      {
        ...imageFields(unikernelTarget, { version, releaseSequence, signingKeys: [], deadlines: unikernelDeadlines }),
        ...change,
      },
      padded(payload, options.payloadBytes ?? payload.length),
      release,
      unikernelLayout.sectorBytes,
    );
  const raisesFloor = { securityCounter: 2, flags: FLAG_RAISE_FLOOR };
  const identity: FactoryIdentity = {
    deviceId: "power-cut",
    product: PRODUCT,
    hardware: { name: unikernelTarget.hardwareName, revision: unikernelTarget.revision },
    server: { host: HOST_ADDRESS, port: 1883 },
    deviceKey: bytesOf("device key"),
    claimSecret: bytesOf("claim secret"),
  };
  const images = {
    first: await image("1.0.0", 1, good.unikernelPayload, {}),
    good: await image("2.0.0", 2, good.unikernelPayload, raisesFloor),
    next: await image("3.0.0", 3, good.unikernelPayload, { securityCounter: 2 }),
    crashing: await image("4.0.0", 4, crashing.unikernelPayload, { securityCounter: 2 }),
    spoilt: await image("5.0.0", 5, good.unikernelPayload, { securityCounter: 2 }),
  };
  const spoiltPayload = images.spoilt.payload.slice();
  spoiltPayload[SPOILT_CHUNK * images.spoilt.chunkBytes]! ^= 1;
  return {
    layout: unikernelLayout,
    bootBank: bootBank(new Uint8Array(readFileSync(loader.binaryPath)), [root.publicKey]),
    identity,
    ...images,
    spoilt: { ...images.spoilt, payload: spoiltPayload },
    images: Object.values(images),
    factory: (port) =>
      factoryFlash({
        layout: unikernelLayout,
        identity: { ...identity, server: { host: HOST_ADDRESS, port } },
        trustChain,
        image: images.first.file,
      }),
  };
}
