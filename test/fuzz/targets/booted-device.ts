// A device as the loader leaves it to the image that it has started: slots, boot control, boot information.

import { BOOT_FLAG_CONTACT_FALLBACK, SlotState } from "@flipside/image-format";
import { putBootRecord } from "./boot-records.ts";
import type { DeviceHost } from "./device-host.ts";
import { layout, putInSlot } from "./device-images.ts";
import { sha256Of } from "./keys.ts";

/** Of the record that putBootRecord makes. */
export const BOOT_COUNTER = 7;

export interface SlotContent {
  bytes: Uint8Array;
  /** Of the image that it holds. */
  digest: Uint8Array;
}

export function slotContent(image: Uint8Array): SlotContent {
  const bytes = new Uint8Array(layout.zones.slotA.sizeBytes);
  putInSlot(bytes, image);
  return { bytes, digest: sha256Of(image.subarray(0, image[6]! | (image[7]! << 8))) };
}

export interface Booted {
  /** That runs; its image is on trial, or confirmed. */
  slot: number;
  isTrial: boolean;
  isFallback: boolean;
  running: SlotContent;
  other: SlotContent;
  otherState: SlotState;
  tries?: number;
  /** That the running slot has already: of its last crash. */
  reason?: number;
  floor?: number;
  uncleanBoots?: number;
  loaderVersion?: number;
}

/** The boot information, for changes. */
export function putBooted(
  host: DeviceHost,
  {
    slot,
    isTrial,
    isFallback,
    running,
    other,
    otherState,
    tries = 2,
    reason = 0,
    floor = 1,
    uncleanBoots = 0,
    loaderVersion = 2,
  }: Booted,
): Buffer {
  const inOrder = <T>(own: T, its: T): [T, T] => (slot === 0 ? [own, its] : [its, own]);
  inOrder(running, other).forEach(({ bytes }, at) => host.zone(at === 0 ? "slotA" : "slotB").set(bytes));
  putBootRecord(host.zone("bootControl"), {
    activeSlot: slot,
    states: inOrder<number>(isTrial ? SlotState.Candidate : SlotState.Confirmed, otherState),
    digests: inOrder(running.digest, other.digest),
    tries,
    reasons: inOrder(reason, 0),
    floor,
    uncleanBoots,
    flags: isFallback ? BOOT_FLAG_CONTACT_FALLBACK : 0,
  });
  // docs/image-format.md, "Boot information"; the record is in the first page of the first sector.
  const info = Buffer.from(host.bootInfo.buffer, host.bootInfo.byteOffset, 64).fill(0);
  info.write("FSBI");
  info[6] = slot;
  info.writeUInt32LE(BOOT_COUNTER, 8);
  info.writeUInt32LE(loaderVersion, 16);
  info[20] = Number(isTrial);
  info.set(running.digest, 24);
  return info;
}
