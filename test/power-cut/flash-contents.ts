// Records of boot control, for tests and fuzz targets that look at a field or move a record. A second reader beside the
// judge's (apps/power-cut/src/checker/flash-checker.ts), which has the documents' numbers and nothing of the device's,
// and so writes nothing.

import { createHash } from "node:crypto";
import {
  BOOT_RECORD_CHECK_BYTES,
  BOOT_RECORD_CHECK_OFFSET,
  BOOT_RECORD_CHECKED_BYTES,
  BOOT_RECORD_SEAL_MAGIC,
  BOOT_RECORD_SEAL_OFFSET,
  BOOT_RECORD_STRIDE_BYTES,
  writeBootRecord,
} from "@flipside/image-format";
import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import { newestRecord } from "@flipside/machine/node/boot-log";

export { newestRecord, recordAt } from "@flipside/machine/node/boot-log";

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
