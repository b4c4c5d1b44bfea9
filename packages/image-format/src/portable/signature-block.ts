// One or more Ed25519 signatures over what precedes the block (an image header, a trust record's body, a permit).
//
//   0 u8[4] "FSSG"   4 u16 format version   6 u16 block bytes   8 u16 count   10 u16 zero
//   12 count times: u8[8] key id (first bytes of SHA-256 of the public key), u8[64] signature
//
// Each signature is a JWS with unencoded, detached payload (RFC 7797); its signing input is one of the constant
// prefixes below followed by the signed bytes.

import { readU16, readU32 } from "./bytes";
import { ErrorCode } from "./error-codes";
import { KEY_ID_BYTES } from "./image-header";

export const SIGNATURE_BLOCK_MAGIC: u32 = 0x47535346;
export const SIGNATURE_BLOCK_PREFIX_BYTES: i32 = 12;
export const SIGNATURE_ENTRY_BYTES: i32 = 72;
export const SIGNATURES_MAX: u32 = 8;
export const SIGNATURE_BYTES: i32 = 64;
export const PUBLIC_KEY_BYTES: i32 = 32;

/** Block length in bytes, or minus an ErrorCode. */
export function parseSignatureBlock(bytes: Uint8Array, offset: i32, available: i32): i32 {
  if (available < SIGNATURE_BLOCK_PREFIX_BYTES) return -(<i32>ErrorCode.ImageTruncated);
  if (readU32(bytes, offset) != SIGNATURE_BLOCK_MAGIC) return -(<i32>ErrorCode.SignatureBlockMalformed);
  if (readU16(bytes, offset + 4) != 1) return -(<i32>ErrorCode.SignatureBlockMalformed);
  const blockBytes: i32 = readU16(bytes, offset + 6);
  const count: u32 = readU16(bytes, offset + 8);
  if (count == 0 || count > SIGNATURES_MAX || readU16(bytes, offset + 10) != 0)
    return -(<i32>ErrorCode.SignatureBlockMalformed);
  if (blockBytes != SIGNATURE_BLOCK_PREFIX_BYTES + <i32>count * SIGNATURE_ENTRY_BYTES)
    return -(<i32>ErrorCode.SignatureBlockMalformed);
  if (blockBytes > available) return -(<i32>ErrorCode.ImageTruncated);
  return blockBytes;
}

export function signatureCount(bytes: Uint8Array, blockOffset: i32): i32 {
  return readU16(bytes, blockOffset + 8);
}

export function signatureKeyIdOffset(blockOffset: i32, index: i32): i32 {
  return blockOffset + SIGNATURE_BLOCK_PREFIX_BYTES + index * SIGNATURE_ENTRY_BYTES;
}

export function signatureOffset(blockOffset: i32, index: i32): i32 {
  return signatureKeyIdOffset(blockOffset, index) + KEY_ID_BYTES;
}
