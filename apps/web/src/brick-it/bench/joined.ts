// A device that joins a real fleet: made in the tab as a factory would make it, from an image and the trust record of
// that fleet's server, and connected over WebSocket.

import { t } from "@lingui/core/macro";
import { describeImage, fromBase64Url, slotPayloadOffset, splitTrustChain } from "@flipside/image-format";
import { WebSocketStreams } from "@flipside/machine/browser/websocket-streams";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { virtualTarget } from "@flipside/machine/factory/targets";
import type { JoiningDevice } from "../joining-device.ts";
import type { MadeDevice } from "./demonstration.ts";
import { layout } from "./geometry.ts";
import { knownImage } from "./known-image.ts";
import { pacedStreams } from "./paced-streams.ts";
import { releaseKeysIn } from "./release-keys.ts";
import type { MakeSurroundings } from "./surroundings.ts";
import { TappedFleet } from "./tapped-fleet.ts";

/**
 * Its boot bank has the roots of the chain's first record, as the fleet's own factory would burn them in. Its key is
 * drawn here and leaves the tab as little as its claim's secret. Throws FormatError where image or chain is none.
 */
export async function makeJoining(joining: JoiningDevice, bootModule: WebAssembly.Module): Promise<MadeDevice> {
  const { deviceId, product, server, trustChain, image } = joining;
  const { headerBytes, payloadOffset, chunkCount } = await describeImage(image);
  const hardware = { name: virtualTarget.hardwareName, revision: virtualTarget.revision };
  const slotBytes = slotPayloadOffset(chunkCount, layout.sectorBytes) + image.length - payloadOffset;
  const { sizeBytes } = layout.zones.slotA;
  if (slotBytes > sizeBytes)
    throw new RangeError(
      t`The image takes ${slotBytes} bytes of a slot, and a slot of this page's device has ${sizeBytes}.`,
    );
  const identity = {
    ...{ deviceId, product, hardware, server },
    deviceKey: crypto.getRandomValues(new Uint8Array(32)),
    claimSecret: fromBase64Url(joining.claimSecret),
  };
  return {
    ...{ product, hardware, deviceId, bootModule },
    rootKeys: splitTrustChain(trustChain)[0]!.keys.rootKeys,
    releaseKeys: releaseKeysIn(trustChain),
    firstImage: knownImage(image.slice(0, headerBytes), image.slice(payloadOffset)),
    flash: await factoryFlash({ layout, identity, trustChain, image }),
  };
}

/** Nothing of it follows from a seed: time, chance and the fleet are real. `bytesPerS`: of its link. */
export const inAFleet =
  ({ deviceId, isSecure }: Pick<JoiningDevice, "deviceId" | "isSecure">, bytesPerS: () => number): MakeSurroundings =>
  (events, clock) => {
    const fleet = new TappedFleet(deviceId, events);
    const scheme = isSecure ? "wss" : "ws";
    const door = {
      address: (host: string, port: number) => `${scheme}://${host}:${port}/mqtt`,
      subprotocol: "mqtt",
    };
    return {
      fleet,
      openStreams: (onEvent) =>
        fleet.tapped(pacedStreams(new WebSocketStreams(door, onEvent), clock, bytesPerS, onEvent)),
      wallClockS: () => Math.floor(Date.now() / 1000),
      entropy: (target) => void crypto.getRandomValues(target as Uint8Array<ArrayBuffer>),
    };
  };
