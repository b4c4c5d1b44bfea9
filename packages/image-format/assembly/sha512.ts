// SHA-512, FIPS 180-4 §6.4.

import { PARTIAL_BLOCK, SHA512_BLOCK_BYTES, sha2Final, sha2Init, sha2Update } from "./sha2";

/** Memory that the caller gives for one hash in progress, aligned to 8. */
export const SHA512_CONTEXT_BYTES: usize = PARTIAL_BLOCK + SHA512_BLOCK_BYTES;
export const SHA512_BYTES: usize = 64;

const oneShot: usize = memory.data(200, 8);

export function sha512Init(context: usize): void {
  sha2Init(context, SHA512_BLOCK_BYTES);
}

export function sha512Update(context: usize, data: usize, length: usize): void {
  sha2Update(context, data, length, SHA512_BLOCK_BYTES);
}

/** Writes 64 bytes to `out` and wipes the context. */
export function sha512Final(context: usize, out: usize): void {
  sha2Final(context, out, SHA512_BLOCK_BYTES);
}

/** The digest of one stretch of memory; `out` may overlap it. */
export function sha512(data: usize, length: usize, out: usize): void {
  sha512Init(oneShot);
  sha512Update(oneShot, data, length);
  sha512Final(oneShot, out);
}
