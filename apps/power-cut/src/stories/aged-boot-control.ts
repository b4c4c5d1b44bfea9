// Flash that no device of today wrote: a boot-control log near the end of a sector and of its epochs, as years of use
// would leave it, and a slot that was put in by hand.

import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import { sha256 } from "@flipside/protocol/primitives";

const PAGE_BYTES = 4096;
/** Offsets in a record (docs/image-format.md, "Boot-control record"); of slots, those of slot A. */
export const recordAt = {
  epoch: 8,
  page: 12,
  bootCounter: 16,
  uncleanBoots: 20,
  flags: 29,
  state: 32,
  tries: 33,
  lastUncleanBoot: 112,
} as const;
/**
 * Boots that the device had meanwhile, whatever its sectors hold of them: records are the same bits in every geometry.
 */
const BOOTS = 1000;
/** Of a log that is not about epochs. */
const AGED_EPOCH = 9;

/**
 * The newest record of `flash`, moved to the last page of the log's first sector in `epoch`; the other sector is older.
 */
export function ageBootControl(flash: Uint8Array, layout: FlashLayout, epoch: number): Uint8Array {
  const aged = Buffer.from(flash);
  const { offsetBytes, sizeBytes } = layout.zones.bootControl;
  let newest: Buffer | undefined;
  for (let at = offsetBytes; at < offsetBytes + sizeBytes; at += PAGE_BYTES) {
    const page = aged.subarray(at, at + PAGE_BYTES);
    if (page.toString("latin1", 0, 4) !== "FSBC" || page.toString("latin1", 256, 260) !== "SEAL") continue;
    const isNewer =
      !newest ||
      page.readUInt32LE(recordAt.epoch) > newest.readUInt32LE(recordAt.epoch) ||
      (page.readUInt32LE(recordAt.epoch) === newest.readUInt32LE(recordAt.epoch) &&
        page.readUInt32LE(recordAt.page) > newest.readUInt32LE(recordAt.page));
    if (isNewer) newest = Buffer.from(page);
  }
  if (!newest) throw new Error("this flash has no boot-control record that could be aged");
  aged.fill(0xff, offsetBytes, offsetBytes + sizeBytes);
  const pages = layout.sectorBytes / PAGE_BYTES;
  const counter = newest.readUInt32LE(recordAt.bootCounter) + BOOTS;
  // Records of both sectors, each page a boot of its own.
  for (let n = 0; n < 2 * pages; n++) {
    const isOlder = n < pages;
    const at = offsetBytes + (isOlder ? layout.sectorBytes : 0) + (n % pages) * PAGE_BYTES;
    putRecord(
      aged.subarray(at, at + PAGE_BYTES),
      newest,
      (isOlder ? epoch - 1 : epoch) >>> 0,
      n % pages,
      counter - (2 * pages - 1 - n),
    );
  }
  return new Uint8Array(aged);
}

/**
 * A log of a thousand boots more, whose newest sector is full but for its second page, which a heartbeat skipped;
 * `write`: what is there all the same, in a blank one.
 */
export function skipPage(flash: Uint8Array, layout: FlashLayout, write: (page: Buffer) => void): Uint8Array {
  const skipped = Buffer.from(ageBootControl(flash, layout, AGED_EPOCH));
  const at = layout.zones.bootControl.offsetBytes + PAGE_BYTES;
  const page = skipped.subarray(at, at + PAGE_BYTES);
  page.fill(0xff);
  write(page);
  return new Uint8Array(skipped);
}

/** Neither sector of the log holds anything that counts. */
export function destroyBootControl(flash: Uint8Array, layout: FlashLayout): Uint8Array {
  const { offsetBytes, sizeBytes } = layout.zones.bootControl;
  const destroyed = flash.slice();
  for (let at = offsetBytes; at < offsetBytes + sizeBytes; at++)
    destroyed[at] = (Math.imul(at + 1, 0x9e3779b1) >>> 24) & 0xff;
  return destroyed;
}

/** An image in slot A, and as the newest record one that calls it confirmed and active. */
export function forgeSlot(
  flash: Uint8Array,
  layout: FlashLayout,
  image: { digest: string },
  parts: { offset: number; bytes: Uint8Array }[],
): Uint8Array {
  const forged = Buffer.from(ageBootControl(flash, layout, AGED_EPOCH));
  const { slotA, bootControl } = layout.zones;
  forged.fill(0xff, slotA.offsetBytes, slotA.offsetBytes + slotA.sizeBytes);
  for (const { offset, bytes } of parts) forged.set(bytes, slotA.offsetBytes + offset);
  const at = bootControl.offsetBytes + layout.sectorBytes - PAGE_BYTES;
  const page = forged.subarray(at, at + PAGE_BYTES);
  page[28] = 0;
  page[recordAt.state] = 2;
  page.write(image.digest, 40, "hex");
  sealAgain(page);
  return new Uint8Array(forged);
}

/** The newest record with a change of its bytes, in a log of a thousand boots more. */
export function withRecord(flash: Uint8Array, layout: FlashLayout, change: (record: Buffer) => void): Uint8Array {
  const changed = Buffer.from(ageBootControl(flash, layout, AGED_EPOCH));
  const at = layout.zones.bootControl.offsetBytes + layout.sectorBytes - PAGE_BYTES;
  const page = changed.subarray(at, at + PAGE_BYTES);
  change(page);
  sealAgain(page);
  return new Uint8Array(changed);
}

/**
 * In a record: the device ended uncleanly so often in a row, the last time so many boots ago (1: the boot before the
 * next).
 */
export function setUncleanBoots(record: Buffer, count: number, since = 1): void {
  record.writeUInt32LE(count, recordAt.uncleanBoots);
  record.writeUInt32LE((record.readUInt32LE(recordAt.bootCounter) + 1 - since) >>> 0, recordAt.lastUncleanBoot);
}

const sealAgain = (page: Buffer): void =>
  putRecord(
    page,
    Buffer.from(page),
    page.readUInt32LE(recordAt.epoch),
    page.readUInt32LE(recordAt.page),
    page.readUInt32LE(recordAt.bootCounter),
  );

function putRecord(page: Buffer, record: Buffer, epoch: number, number: number, bootCounter: number): void {
  record.copy(page);
  page.writeUInt32LE(epoch, recordAt.epoch);
  page.writeUInt32LE(number, recordAt.page);
  page.writeUInt32LE(bootCounter, recordAt.bootCounter);
  const check = sha256(page.subarray(0, 144));
  page.set(check.subarray(0, 16), 144);
  page.set(check.subarray(0, 12), 260);
}
