// Records of boot control by packages/image-format's layout, for tests and fuzz targets that look at a field or move a
// record. A second reader beside the judge's (apps/power-cut/src/checker/flash-checker.ts), which has the documents'
// numbers and nothing of the device's, and so writes nothing.

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
  writeBootRecord,
} from "@flipside/image-format";
import type { FlashLayout } from "@flipside/machine/factory/flash-layout";

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

/** Moves the newest record to `page` of an otherwise erased log: one that has been written to for so long. */
export function moveNewestRecord(layout: FlashLayout, flash: Uint8Array, page: number): void {
  const record = newestRecord(layout, flash);
  if (!record) throw new Error("there is no record of boot control to move");
  const { offsetBytes, sizeBytes } = layout.zones.bootControl;
  flash.fill(0xff, offsetBytes, offsetBytes + sizeBytes);
  record.page = page;
  const bytes = Buffer.from(
    flash.buffer,
    flash.byteOffset + offsetBytes + page * BOOT_RECORD_STRIDE_BYTES,
    BOOT_RECORD_STRIDE_BYTES,
  );
  writeBootRecord(record, bytes, 0);
  const check = createHash("sha256").update(bytes.subarray(0, BOOT_RECORD_CHECKED_BYTES)).digest();
  check.copy(bytes, BOOT_RECORD_CHECK_OFFSET, 0, BOOT_RECORD_CHECK_BYTES);
  bytes.writeUInt32LE(BOOT_RECORD_SEAL_MAGIC, BOOT_RECORD_SEAL_OFFSET);
  check.copy(bytes, BOOT_RECORD_SEAL_OFFSET + 4, 0, 12);
}
