// A release state says which release of a product is the newest, when that was so and until when it is to be believed:
// whoever keeps devices from updates can't make a newer one. Signed by a release key (typ flipside-state+jws).
//
//   0 u8[4] "FSRS"   4 u16 version   6 u16 body bytes (88)   8 u32 issued, 12 u32 valid until: seconds since 1970
//   16 u32 release sequence of the newest release   20 u8 product bytes   21 u8 version bytes   22 u16 zero
//   24 u8[32] product   56 u8[32] version: names, filled up with zeros   88 signature block

import { isFilledWith, readU16, readU32 } from "./bytes";

export const RELEASE_STATE_MAGIC: u32 = 0x53525346;
export const RELEASE_STATE_BODY_BYTES: i32 = 88;
export const RELEASE_STATE_ISSUED_OFFSET: i32 = 8;
export const RELEASE_STATE_UNTIL_OFFSET: i32 = 12;
export const RELEASE_STATE_SEQUENCE_OFFSET: i32 = 16;
export const RELEASE_STATE_PRODUCT_BYTES_OFFSET: i32 = 20;
export const RELEASE_STATE_VERSION_BYTES_OFFSET: i32 = 21;
export const RELEASE_STATE_PRODUCT_OFFSET: i32 = 24;
export const RELEASE_STATE_VERSION_OFFSET: i32 = 56;

const NAME_BYTES: i32 = 32;

/** Whether the form is right: names of 1 to 32 bytes, an end after the issue. */
export function isReleaseStateBody(bytes: Uint8Array, offset: i32, available: i32): bool {
  if (available < RELEASE_STATE_BODY_BYTES || readU32(bytes, offset) != RELEASE_STATE_MAGIC) return false;
  const issued = readU32(bytes, offset + RELEASE_STATE_ISSUED_OFFSET);
  return (
    readU16(bytes, offset + 4) == 1 &&
    readU16(bytes, offset + 6) == <u32>RELEASE_STATE_BODY_BYTES &&
    issued != 0 &&
    readU32(bytes, offset + RELEASE_STATE_UNTIL_OFFSET) > issued &&
    readU32(bytes, offset + RELEASE_STATE_SEQUENCE_OFFSET) != 0 &&
    readU16(bytes, offset + 22) == 0 &&
    isFilledName(bytes, offset + RELEASE_STATE_PRODUCT_OFFSET, bytes[offset + RELEASE_STATE_PRODUCT_BYTES_OFFSET]!) &&
    isFilledName(bytes, offset + RELEASE_STATE_VERSION_OFFSET, bytes[offset + RELEASE_STATE_VERSION_BYTES_OFFSET]!)
  );
}

function isFilledName(bytes: Uint8Array, at: i32, length: i32): bool {
  return length >= 1 && length <= NAME_BYTES && isFilledWith(bytes, at + length, NAME_BYTES - length, 0);
}
