// What a flash's boot control says: the sealed records of the log, by packages/image-format's layout. For tests, fuzz
// targets and rehearsals, which look at a field. The judge of the power-cut campaign has a reader of its own.

import { createHash } from "node:crypto";
import {
  BOOT_RECORD_CHECK_BYTES,
  BOOT_RECORD_CHECK_OFFSET,
  BOOT_RECORD_CHECKED_BYTES,
  BOOT_RECORD_SEAL_MAGIC,
  BOOT_RECORD_SEAL_OFFSET,
  BOOT_RECORD_STRIDE_BYTES,
  BootRecord,
  readBootRecord,
} from "@flipside/image-format";
import type { FlashLayout } from "../src/factory/flash-layout.ts";

/** The sealed record at `at` of boot control, the beginning of a page; undefined when none holds there. */
export function recordAt(layout: FlashLayout, flash: Uint8Array, at: number): BootRecord | undefined {
  const bytes = Buffer.from(
    flash.buffer,
    flash.byteOffset + layout.zones.bootControl.offsetBytes + at,
    BOOT_RECORD_STRIDE_BYTES,
  );
  const check = createHash("sha256").update(bytes.subarray(0, BOOT_RECORD_CHECKED_BYTES)).digest();
  const seal = bytes.subarray(BOOT_RECORD_SEAL_OFFSET, BOOT_RECORD_SEAL_OFFSET + 16);
  const record = new BootRecord();
  if (
    !bytes
      .subarray(BOOT_RECORD_CHECK_OFFSET, BOOT_RECORD_CHECK_OFFSET + BOOT_RECORD_CHECK_BYTES)
      .equals(check.subarray(0, BOOT_RECORD_CHECK_BYTES))
  )
    return undefined;
  if (seal.readUInt32LE(0) !== BOOT_RECORD_SEAL_MAGIC || !seal.subarray(4).equals(check.subarray(0, 12)))
    return undefined;
  return readBootRecord(bytes, 0, record) && record.page === (at % layout.sectorBytes) / BOOT_RECORD_STRIDE_BYTES
    ? record
    : undefined;
}

/** The newest sealed record, by place; undefined when none holds. */
export function newestRecord(layout: FlashLayout, flash: Uint8Array): BootRecord | undefined {
  let newest: BootRecord | undefined;
  for (let at = 0; at < layout.zones.bootControl.sizeBytes; at += BOOT_RECORD_STRIDE_BYTES) {
    const record = recordAt(layout, flash, at);
    if (!record) continue;
    // Epochs wrap at 2^32 (RFC 1982).
    const ahead = newest ? (record.epoch - newest.epoch) | 0 : 1;
    if (!newest || ahead > 0 || (ahead === 0 && record.page > newest.page)) newest = record;
  }
  return newest;
}
