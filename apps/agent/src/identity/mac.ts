// MACs over named fields: HMAC-SHA256 over a label and fields as text, each after one line feed (docs/protocol.md).

import {
  equalInConstantTime,
  HMAC_SHA256_CONTEXT_BYTES,
  hmacSha256Final,
  hmacSha256Init,
  hmacSha256Update,
} from "../crypto";
import { base64urlEncode } from "../text/base64url";

const context: usize = heap.alloc(HMAC_SHA256_CONTEXT_BYTES);
const lineFeed: usize = memory.data<u8>([0x0a]);
const encoded: usize = memory.data(64);
const computed: usize = memory.data(32);

export function macBegin(key: usize, keyBytes: u32, label: usize, labelBytes: u32): void {
  hmacSha256Init(context, key, keyBytes);
  hmacSha256Update(context, label, labelBytes);
}

export function macField(ptr: usize, bytes: u32): void {
  hmacSha256Update(context, lineFeed, 1);
  hmacSha256Update(context, ptr, bytes);
}

/** A field of raw bytes (at most 32), as the base64url that messages carry. */
export function macBytes(ptr: usize, bytes: u32): void {
  macField(encoded, base64urlEncode(encoded, ptr, bytes));
}

/** Writes the 32 bytes. */
export function macFinish(out: usize): void {
  hmacSha256Final(context, out);
}

/** Whether the MAC is the one at `expected`, in constant time. */
export function macMatches(expected: usize): bool {
  hmacSha256Final(context, computed);
  return equalInConstantTime(computed, expected, 32);
}
