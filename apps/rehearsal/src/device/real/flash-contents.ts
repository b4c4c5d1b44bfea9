// What a real device's flash says of its images and of its update: boot control, and the newest begin of the journal
// (docs/image-format.md). The judge goes by this, not by what the device says.

import { createHash } from "node:crypto";
import { BOOT_FLAG_CONTACT_FALLBACK, type SlotStateName, slotStateNames } from "@flipside/image-format";
import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import { newestRecord } from "@flipside/machine/node/boot-log";
import type { Begun } from "../fleet-device.ts";
import type { SlotName } from "../flash.ts";

export interface SlotContents {
  digest: string;
  state: SlotStateName;
}

export interface BootControl {
  slots: Record<SlotName, SlotContents>;
  isContactFallback: boolean;
}

/** Undefined: nothing is written there yet. */
export function bootControlIn(layout: FlashLayout, flash: Uint8Array): BootControl | undefined {
  const record = newestRecord(layout, flash);
  if (record === undefined) return undefined;
  const slot = (number: number): SlotContents => ({
    digest: Buffer.from(record.slotDigest(number)).toString("hex"),
    state: slotStateNames[record.slotState(number)]!,
  });
  return {
    slots: { a: slot(0), b: slot(1) },
    isContactFallback: (record.flags & BOOT_FLAG_CONTACT_FALLBACK) !== 0,
  };
}

const recordBytes = 128;
const checkedBytes = 112;
const strideBytes = 4096;

/** What the newest begin is for; undefined: nothing was begun. */
export function begunIn({ zones: { journal } }: FlashLayout, flash: Uint8Array): Begun | undefined {
  let newest: (Begun & { run: number; number: number }) | undefined;
  for (let at = 0; at < journal.sizeBytes; at += strideBytes) {
    const record = Buffer.from(flash.buffer, flash.byteOffset + journal.offsetBytes + at, recordBytes);
    if (record.toString("latin1", 0, 4) !== "FSJ2") continue;
    const check = createHash("sha256").update(record.subarray(0, checkedBytes)).digest();
    if (!check.subarray(0, recordBytes - checkedBytes).equals(record.subarray(checkedBytes))) continue;
    const [run, number] = [record.readUInt32LE(96), record.readUInt32LE(100)];
    if (newest !== undefined && (run < newest.run || (run === newest.run && number < newest.number))) continue;
    const deployment = record.toString("utf8", 48, 48 + record[45]!);
    newest = { run, number, deployment, attempt: record.readUInt32LE(40) };
  }
  return newest;
}
