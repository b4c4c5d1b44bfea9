// A permit lets one image be installed although its release sequence is lower than the running one's. Signed by a
// release key (typ flipside-permit+jws); it can't go below the security floor.
//
//   0 u8[4] "FSPM"   4 u16 version   6 u16 body bytes (72)   8 u8[32] image digest
//   40 u8[32] SHA-256 of the device id, or zeros for any device   72 signature block

import { isFilledWith, readU16, readU32 } from "./bytes";

export const PERMIT_MAGIC: u32 = 0x4d505346;
export const PERMIT_BODY_BYTES: i32 = 72;
export const PERMIT_DIGEST_OFFSET: i32 = 8;
export const PERMIT_DEVICE_OFFSET: i32 = 40;

export function isPermitBody(bytes: Uint8Array, offset: i32, available: i32): bool {
  return (
    available >= PERMIT_BODY_BYTES &&
    readU32(bytes, offset) == PERMIT_MAGIC &&
    readU16(bytes, offset + 4) == 1 &&
    readU16(bytes, offset + 6) == <u32>PERMIT_BODY_BYTES
  );
}

export function permitIsForAnyDevice(bytes: Uint8Array, offset: i32): bool {
  return isFilledWith(bytes, offset + PERMIT_DEVICE_OFFSET, 32, 0);
}
