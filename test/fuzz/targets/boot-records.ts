// Records of boot control, put into a zone whole: with their place, check and seal.

import { write } from "../engine/mutate.ts";
import { layout } from "./device-images.ts";
import { sampleBootRecord } from "./formats.ts";
import { sha256Of } from "./keys.ts";

const PAGE_BYTES = 4096;

export interface RecordParts {
  activeSlot: number;
  /** SlotState of A and B. */
  states: [number, number];
  digests?: [Uint8Array?, Uint8Array?];
  tries?: number;
  /** ErrorCodes of A and B. */
  reasons?: [number, number];
  uncleanBoots?: number;
  floor?: number;
  flags?: number;
}

/** Sealed, in the first page of an otherwise erased log. */
export function putBootRecord(
  zone: Uint8Array,
  {
    activeSlot,
    states,
    digests = [],
    tries = 3,
    reasons = [0, 0],
    uncleanBoots = 0,
    floor = 1,
    flags = 0,
  }: RecordParts,
): void {
  if (zone.length !== layout.zones.bootControl.sizeBytes) throw new RangeError("not the zone of boot control");
  zone.fill(0xff);
  const page = zone.subarray(0, PAGE_BYTES);
  page.set(sampleBootRecord(activeSlot, ...states));
  write(page, 12, 4, 0, true);
  write(page, 20, 4, uncleanBoots, true);
  write(page, 24, 4, floor, true);
  page[29] = flags;
  for (const slot of [0, 1] as const) {
    const at = 32 + 40 * slot;
    if (states[slot] === 1) page[at + 1] = tries;
    write(page, at + 2, 2, reasons[slot], true);
    const digest = digests[slot];
    if (digest) page.set(digest, at + 8);
  }
  const check = sha256Of(page.subarray(0, 144));
  page.set(check.subarray(0, 16), 144);
  page.set(Buffer.from("SEAL"), 256);
  page.set(check.subarray(0, 12), 260);
}
