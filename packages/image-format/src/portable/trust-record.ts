// The trust record: which keys may do what, and the whole chain of its predecessors, anchored in the boot bank's roots.
//
//   chain: 0 u8[4] "FSTC"   4 u32 chain bytes (all of it)   8 u16 links   10 u16 zero   12 links, oldest first
//   link:  body, then its signature block (typ flipside-trust+jws)
//   body:  0 u8[4] "FSTR"   4 u16 version   6 u16 body bytes   8 u32 trust version (1, 2, 3 ... without a gap)
//          12 u8 root threshold  13 u8 roots  14 u8 release keys (bits 0 to 3) and release threshold less one (4 to 7)
//          15 u8 operations keys   16 u8[32] each, in that order
//
// Link 1 is signed by a majority of the roots in the boot bank; each next one by the threshold of its predecessor.

import { readU16, readU32 } from "./bytes";
import { ErrorCode } from "./error-codes";
import { PUBLIC_KEY_BYTES, parseSignatureBlock } from "./signature-block";

export const TRUST_CHAIN_MAGIC: u32 = 0x43545346;
export const TRUST_BODY_MAGIC: u32 = 0x52545346;
export const TRUST_CHAIN_PREFIX_BYTES: i32 = 12;
export const TRUST_BODY_PREFIX_BYTES: i32 = 16;
export const TRUST_CHAIN_BYTES_MAX: i32 = 8192;
export const TRUST_KEYS_MAX: u32 = 8;
export const TRUST_LINKS_MAX: u32 = 16;
/** A chain can't be made shorter: from so many links on, tool and server say that its end comes nearer. */
export const TRUST_LINKS_WARNED: u32 = 12;

/** One link of a chain: where its parts are in the bytes that hold the chain. */
export class TrustLink {
  bodyOffset: i32 = 0;
  bodyBytes: i32 = 0;
  blockOffset: i32 = 0;
  nextOffset: i32 = 0;
  trustVersion: u32 = 0;
  rootThreshold: u32 = 0;
  rootCount: u32 = 0;
  releaseCount: u32 = 0;
  releaseThreshold: u32 = 0;
  operationsCount: u32 = 0;
  rootKeysOffset: i32 = 0;
  releaseKeysOffset: i32 = 0;
  operationsKeysOffset: i32 = 0;
}

/** Number of links, or minus an ErrorCode. `available` bytes may be more than the chain (it is padded in flash). */
export function parseTrustChain(bytes: Uint8Array, offset: i32, available: i32): i32 {
  if (available < TRUST_CHAIN_PREFIX_BYTES) return -(<i32>ErrorCode.TrustRecordInvalid);
  if (readU32(bytes, offset) != TRUST_CHAIN_MAGIC) return -(<i32>ErrorCode.TrustRecordInvalid);
  const chainBytes: u32 = readU32(bytes, offset + 4);
  const links: u32 = readU16(bytes, offset + 8);
  if (chainBytes > <u32>available || chainBytes > <u32>TRUST_CHAIN_BYTES_MAX)
    return -(<i32>ErrorCode.TrustRecordInvalid);
  if (links == 0 || links > TRUST_LINKS_MAX || readU16(bytes, offset + 10) != 0)
    return -(<i32>ErrorCode.TrustRecordInvalid);
  return links;
}

export function trustChainBytes(bytes: Uint8Array, offset: i32): i32 {
  return readU32(bytes, offset + 4);
}

/**
 * Whether the chain in `newer` begins with every link of the one in `older`, byte for byte, and has more of them: what
 * roots that were revoked since make of an earlier link does not. Both were parsed before.
 */
export function trustChainExtends(newer: Uint8Array, older: Uint8Array): bool {
  const olderBytes = trustChainBytes(older, 0);
  if (trustChainBytes(newer, 0) <= olderBytes || readU16(newer, 8) <= readU16(older, 8)) return false;
  for (let i: i32 = TRUST_CHAIN_PREFIX_BYTES; i < olderBytes; i++) if (newer[i] != older[i]) return false;
  return true;
}

/** A root that is named twice would count twice toward the threshold. */
function hasRepeatedRoot(bytes: Uint8Array, at: i32, count: u32): bool {
  for (let a: i32 = 0; a < <i32>count; a++) {
    for (let b: i32 = 0; b < a; b++) {
      let same: i32 = 0;
      while (
        same < PUBLIC_KEY_BYTES &&
        bytes[at + a * PUBLIC_KEY_BYTES + same] == bytes[at + b * PUBLIC_KEY_BYTES + same]
      )
        same++;
      if (same == PUBLIC_KEY_BYTES) return true;
    }
  }
  return false;
}

/** Parses the link at `at` (an offset that ends by `end`). ErrorCode.None, or TrustRecordInvalid. */
export function parseTrustLink(bytes: Uint8Array, at: i32, end: i32, out: TrustLink): i32 {
  if (end - at < TRUST_BODY_PREFIX_BYTES) return ErrorCode.TrustRecordInvalid;
  if (readU32(bytes, at) != TRUST_BODY_MAGIC || readU16(bytes, at + 4) != 1) return ErrorCode.TrustRecordInvalid;
  const bodyBytes: i32 = readU16(bytes, at + 6);
  out.trustVersion = readU32(bytes, at + 8);
  out.rootThreshold = bytes[at + 12]!;
  out.rootCount = bytes[at + 13]!;
  out.releaseCount = bytes[at + 14]! & 15;
  out.releaseThreshold = (bytes[at + 14]! >> 4) + 1;
  out.operationsCount = bytes[at + 15]!;
  if (
    out.rootCount == 0 ||
    out.rootCount > TRUST_KEYS_MAX ||
    out.releaseCount > TRUST_KEYS_MAX ||
    out.operationsCount > TRUST_KEYS_MAX
  )
    return ErrorCode.TrustRecordInvalid;
  if (out.releaseThreshold > out.releaseCount || out.rootThreshold == 0 || out.rootThreshold > out.rootCount)
    return ErrorCode.TrustRecordInvalid;
  const keys: i32 = out.rootCount + out.releaseCount + out.operationsCount;
  if (bodyBytes != TRUST_BODY_PREFIX_BYTES + keys * PUBLIC_KEY_BYTES || bodyBytes > end - at)
    return ErrorCode.TrustRecordInvalid;
  const blockBytes: i32 = parseSignatureBlock(bytes, at + bodyBytes, end - at - bodyBytes);
  if (blockBytes < 0) return ErrorCode.TrustRecordInvalid;
  if (hasRepeatedRoot(bytes, at + TRUST_BODY_PREFIX_BYTES, out.rootCount)) return ErrorCode.TrustRecordInvalid;
  out.bodyOffset = at;
  out.bodyBytes = bodyBytes;
  out.blockOffset = at + bodyBytes;
  out.nextOffset = at + bodyBytes + blockBytes;
  out.rootKeysOffset = at + TRUST_BODY_PREFIX_BYTES;
  out.releaseKeysOffset = out.rootKeysOffset + <i32>out.rootCount * PUBLIC_KEY_BYTES;
  out.operationsKeysOffset = out.releaseKeysOffset + <i32>out.releaseCount * PUBLIC_KEY_BYTES;
  return ErrorCode.None;
}
