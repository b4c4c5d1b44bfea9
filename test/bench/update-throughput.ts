// How fast an update arrives: the unikernel takes images as large as its RAM window from the real server, one after the
// other, until at least `bytesMin` of payload came.

import { createHash } from "node:crypto";
import { buildImage, buildRelease, type SigningKey } from "@flipside/image-format";
import { imageFields } from "../../apps/agent/build/image-fields.ts";
import { unikernelTarget } from "@flipside/machine/factory/targets";
import type { Unikernel } from "@flipside/machine/qemu/unikernel";
import { unikernelId } from "../../apps/demo/src/demo-fleet.ts";
import type { ConsoleClient } from "../end-to-end/console-client.ts";
import { microsecondsOf } from "./device-snapshot.ts";

/** IMAGE_WINDOW_BYTES of exokernel/machine.h: a payload may not be larger. */
export const IMAGE_WINDOW_BYTES = 0x80064000 - 0x80001000;
const UPDATE_TIMEOUT_MS = 60_000;

export interface Transfer {
  bytes: number;
  seconds: number;
}

export const rateOf = (transfers: Transfer[]): number =>
  transfers.reduce((sum, t) => sum + t.bytes, 0) / transfers.reduce((sum, t) => sum + t.seconds, 0);

/**
 * The payload of a real image, filled up to the window with bytes that don't compress. They lie where the image's own
 * zeroed memory will be, so that the image runs as without them.
 */
function fillWindow(payload: Uint8Array, seed: string): Uint8Array {
  const filling = createHash("shake256", { outputLength: IMAGE_WINDOW_BYTES - payload.length })
    .update(seed)
    .digest();
  return Buffer.concat([payload, filling]);
}

/** The unikernel is on and its session proven. From "update accepted" to "installed", by the device's own clock. */
export async function measureUpdates(options: {
  unikernel: Unikernel;
  payload: Uint8Array;
  releaseKey: SigningKey;
  client: ConsoleClient;
  bytesMin: number;
  /** Of the first image; the others follow. */
  firstSequence?: number;
}): Promise<Transfer[]> {
  const { unikernel, client, firstSequence = 2 } = options;
  const transfers: Transfer[] = [];
  for (let bytes = 0, sequence = firstSequence; bytes < options.bytesMin; bytes += IMAGE_WINDOW_BYTES, sequence++) {
    const version = `${sequence}.0.0`;
    const signingKeys = [options.releaseKey.privateJwk];
    const image = await buildImage({
      fields: imageFields(unikernelTarget, { version, releaseSequence: sequence }),
      payload: fillWindow(options.payload, version),
      signingKeys,
    });
    const release = await client.uploadRelease(buildRelease([image]));
    const accepted = unikernel.waitForLine(/\] update (accepted|rejected)/, UPDATE_TIMEOUT_MS);
    const installed = unikernel.waitForLine(/\] (installed |update (failed|rejected))/, UPDATE_TIMEOUT_MS);
    const confirmed = unikernel.waitForLine(/\] confirmed/, UPDATE_TIMEOUT_MS);
    confirmed.catch(() => {});
    await client.createRollout({
      name: `bench ${version}`,
      releaseId: release.id,
      target: { deviceIds: [unikernelId] },
      waves: [{ percent: 100 }],
    });
    const [begin, end] = await Promise.all([accepted, installed]);
    if (!begin.includes("accepted") || !end.includes("installed"))
      throw new Error(`the update to ${version} did not go through: ${begin}; ${end}`);
    transfers.push({ bytes: IMAGE_WINDOW_BYTES, seconds: (microsecondsOf(end)! - microsecondsOf(begin)!) / 1e6 });
    await confirmed;
  }
  return transfers;
}
