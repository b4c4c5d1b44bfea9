// One record of the boot-control log: its bytes. How records follow one another in flash is the boot loader's
// (apps/agent/src/boot-control). docs/image-format.md has the table; the boot loader never changes, so neither does
// this.
//
//   0  u8[4] "FSBC"   4 u16 version   6 u16 record bytes (160)
//   8  u32 epoch      12 u32 page: where the record lies; a record found elsewhere is not valid
//   16 u32 boot counter   20 u32 unclean boots in a row   24 u32 security floor
//   28 u8 active slot (0 A, 1 B)   29 u8 flags   30 u16 zero
//   32 slot A   72 slot B:  0 u8 state  1 u8 tries left  2 u16 reason (ErrorCode)  4 u32 zero  8..39 digest
//   112 u32 boot counter of the last unclean boot   116 zeros (28)   144 u8[16] first bytes of SHA-256 over bytes
//   0..143
//   256 u8[16] the seal, an operation of its own: "SEAL" and the first 12 bytes of the check

import { readU16, readU32, writeU16, writeU32 } from "./bytes";

export const BOOT_RECORD_MAGIC: u32 = 0x43425346;
export const BOOT_RECORD_VERSION: u32 = 1;
export const BOOT_RECORD_BYTES: i32 = 160;
export const BOOT_RECORD_CHECKED_BYTES: i32 = 144;
export const BOOT_RECORD_CHECK_OFFSET: i32 = 144;
export const BOOT_RECORD_CHECK_BYTES: i32 = 16;
export const BOOT_RECORD_SEAL_OFFSET: i32 = 256;
export const BOOT_RECORD_SEAL_BYTES: i32 = 16;
export const BOOT_RECORD_SEAL_MAGIC: u32 = 0x4c414553;
/** One record to a page of this many bytes, whatever the chip's own page is. */
export const BOOT_RECORD_STRIDE_BYTES: u32 = 4096;

export enum SlotState {
  Empty = 0,
  Candidate = 1,
  Confirmed = 2,
  Failed = 3,
}

/** Boot control was lost and made anew from what the slots hold. */
export const BOOT_FLAG_REBUILT: u32 = 1;
/**
 * The active slot runs because the candidate had no contact; if this one has none either, the candidate is tried again.
 */
export const BOOT_FLAG_CONTACT_FALLBACK: u32 = 2;
/** The confirmed active slot crashed again and again and gave way to this one; it does so once. */
export const BOOT_FLAG_YIELDED: u32 = 4;
/**
 * This copy of the trust chain, or of the settings, is being written: it counts only when the other one does not hold.
 */
export const BOOT_FLAG_TRUST_A_IN_FLUX: u32 = 8;
export const BOOT_FLAG_TRUST_B_IN_FLUX: u32 = 16;
export const BOOT_FLAG_SETTINGS_A_IN_FLUX: u32 = 32;
/** @public Of two copies, the second one's bit is the first one's, shifted. */
export const BOOT_FLAG_SETTINGS_B_IN_FLUX: u32 = 64;

/** Says what the record before it said, with the boot counted: the loader's first one of a run. */
export const BOOT_FLAG_HEARTBEAT: u32 = 128;

export class BootRecord {
  epoch: u32 = 0;
  page: u32 = 0;
  bootCounter: u32 = 0;
  uncleanBoots: u32 = 0;
  /** Boot counter of the boot that was the last to count as unclean. */
  lastUncleanBoot: u32 = 0;
  securityFloor: u32 = 0;
  activeSlot: u32 = 0;
  flags: u32 = 0;
  stateA: u32 = 0;
  triesA: u32 = 0;
  reasonA: u32 = 0;
  stateB: u32 = 0;
  triesB: u32 = 0;
  reasonB: u32 = 0;
  digestA: Uint8Array = new Uint8Array(32);
  digestB: Uint8Array = new Uint8Array(32);

  slotState(slot: u32): u32 {
    return slot == 0 ? this.stateA : this.stateB;
  }
  slotTries(slot: u32): u32 {
    return slot == 0 ? this.triesA : this.triesB;
  }
  slotReason(slot: u32): u32 {
    return slot == 0 ? this.reasonA : this.reasonB;
  }
  slotDigest(slot: u32): Uint8Array {
    return slot == 0 ? this.digestA : this.digestB;
  }
  setSlot(slot: u32, state: u32, tries: u32, reason: u32): void {
    if (slot == 0) {
      this.stateA = state;
      this.triesA = tries;
      this.reasonA = reason;
    } else {
      this.stateB = state;
      this.triesB = tries;
      this.reasonB = reason;
    }
  }
}

/** Writes the checked part (bytes 0..143); the caller adds the check. */
export function writeBootRecord(record: BootRecord, bytes: Uint8Array, offset: i32): void {
  for (let i: i32 = 0; i < BOOT_RECORD_BYTES; i++) bytes[offset + i] = 0;
  writeU32(bytes, offset, BOOT_RECORD_MAGIC);
  writeU16(bytes, offset + 4, BOOT_RECORD_VERSION);
  writeU16(bytes, offset + 6, BOOT_RECORD_BYTES);
  writeU32(bytes, offset + 8, record.epoch);
  writeU32(bytes, offset + 12, record.page);
  writeU32(bytes, offset + 16, record.bootCounter);
  writeU32(bytes, offset + 20, record.uncleanBoots);
  writeU32(bytes, offset + 24, record.securityFloor);
  bytes[offset + 28] = <u8>record.activeSlot;
  bytes[offset + 29] = <u8>record.flags;
  writeSlot(bytes, offset + 32, record.stateA, record.triesA, record.reasonA, record.digestA);
  writeSlot(bytes, offset + 72, record.stateB, record.triesB, record.reasonB, record.digestB);
  writeU32(bytes, offset + 112, record.lastUncleanBoot);
}

function writeSlot(bytes: Uint8Array, at: i32, state: u32, tries: u32, reason: u32, digest: Uint8Array): void {
  bytes[at] = <u8>state;
  bytes[at + 1] = <u8>tries;
  writeU16(bytes, at + 2, reason);
  for (let i: i32 = 0; i < 32; i++) bytes[at + 8 + i] = digest[i]!;
}

/** Reads the checked part into `record`. False when the form is wrong; the caller has compared the check first. */
export function readBootRecord(bytes: Uint8Array, offset: i32, record: BootRecord): bool {
  if (readU32(bytes, offset) != BOOT_RECORD_MAGIC) return false;
  if (readU16(bytes, offset + 4) != BOOT_RECORD_VERSION || readU16(bytes, offset + 6) != <u32>BOOT_RECORD_BYTES)
    return false;
  record.epoch = readU32(bytes, offset + 8);
  record.page = readU32(bytes, offset + 12);
  record.bootCounter = readU32(bytes, offset + 16);
  record.uncleanBoots = readU32(bytes, offset + 20);
  record.securityFloor = readU32(bytes, offset + 24);
  record.lastUncleanBoot = readU32(bytes, offset + 112);
  record.activeSlot = bytes[offset + 28]!;
  record.flags = bytes[offset + 29]!;
  record.stateA = bytes[offset + 32]!;
  record.triesA = bytes[offset + 33]!;
  record.reasonA = readU16(bytes, offset + 34);
  record.stateB = bytes[offset + 72]!;
  record.triesB = bytes[offset + 73]!;
  record.reasonB = readU16(bytes, offset + 74);
  for (let i: i32 = 0; i < 32; i++) {
    record.digestA[i] = bytes[offset + 40 + i]!;
    record.digestB[i] = bytes[offset + 80 + i]!;
  }
  return record.activeSlot < 2 && record.stateA < 4 && record.stateB < 4;
}
