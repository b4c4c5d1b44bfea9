// SHA-256, FIPS 180-4 §6.2.

import { PARTIAL_BLOCK, SHA256_BLOCK_BYTES, sha2Final, sha2Init, sha2Update } from "./sha2";

/** Memory that the caller gives for one hash in progress, aligned to 8. */
export const SHA256_CONTEXT_BYTES: usize = PARTIAL_BLOCK + SHA256_BLOCK_BYTES;
export const SHA256_BYTES: usize = 32;

const oneShot: usize = memory.data(136, 8);

export function sha256Init(context: usize): void {
  sha2Init(context, SHA256_BLOCK_BYTES);
}

export function sha256Update(context: usize, data: usize, length: usize): void {
  sha2Update(context, data, length, SHA256_BLOCK_BYTES);
}

/** Writes 32 bytes to `out` and wipes the context. */
export function sha256Final(context: usize, out: usize): void {
  sha2Final(context, out, SHA256_BLOCK_BYTES);
}

/** The digest of one stretch of memory; `out` may overlap it. */
export function sha256(data: usize, length: usize, out: usize): void {
  sha256Init(oneShot);
  sha256Update(oneShot, data, length);
  sha256Final(oneShot, out);
}
