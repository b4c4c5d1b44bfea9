// HMAC-SHA-256, RFC 2104: H(K ⊕ opad ‖ H(K ⊕ ipad ‖ message)).

import { SHA256_BLOCK_BYTES } from "./sha2";
import { SHA256_BYTES, SHA256_CONTEXT_BYTES, sha256, sha256Final, sha256Init, sha256Update } from "./sha256";

/** Memory that the caller gives for one HMAC in progress, aligned to 8: the inner hash, then the outer one. */
export const HMAC_SHA256_CONTEXT_BYTES: usize = 2 * SHA256_CONTEXT_BYTES;

const paddedKey: usize = memory.data(64, 8);

function startWith(context: usize, pad: u8): void {
  for (let i: usize = 0; i < SHA256_BLOCK_BYTES; i++) {
    store<u8>(paddedKey + i, load<u8>(paddedKey + i) ^ pad);
  }
  sha256Init(context);
  sha256Update(context, paddedKey, SHA256_BLOCK_BYTES);
}

/** A key of any length; one longer than a block is hashed first (RFC 2104 §2). */
export function hmacSha256Init(context: usize, key: usize, keyLength: usize): void {
  memory.fill(paddedKey, 0, SHA256_BLOCK_BYTES);
  if (keyLength > SHA256_BLOCK_BYTES) sha256(key, keyLength, paddedKey);
  else memory.copy(paddedKey, key, keyLength);
  startWith(context, 0x36);
  startWith(context + SHA256_CONTEXT_BYTES, 0x36 ^ 0x5c);
  memory.fill(paddedKey, 0, SHA256_BLOCK_BYTES);
}

export function hmacSha256Update(context: usize, data: usize, length: usize): void {
  sha256Update(context, data, length);
}

/** Writes 32 bytes to `out` and wipes the context. */
export function hmacSha256Final(context: usize, out: usize): void {
  const outer = context + SHA256_CONTEXT_BYTES;
  sha256Final(context, out);
  sha256Update(outer, out, SHA256_BYTES);
  sha256Final(outer, out);
}

/** The HMAC of one stretch of memory; `context` as for {@link hmacSha256Init}. */
export function hmacSha256(context: usize, key: usize, keyLength: usize, data: usize, length: usize, out: usize): void {
  hmacSha256Init(context, key, keyLength);
  hmacSha256Update(context, data, length);
  hmacSha256Final(context, out);
}
