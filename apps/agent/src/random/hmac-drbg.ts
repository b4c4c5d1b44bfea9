// HMAC_DRBG with SHA-256 (NIST SP 800-90A Rev. 1, section 10.1.2). One generator for the whole module.

import { HMAC_SHA256_CONTEXT_BYTES, hmacSha256, hmacSha256Final, hmacSha256Init, hmacSha256Update } from "../crypto";

const BYTES: u32 = 32;
const context: usize = heap.alloc(HMAC_SHA256_CONTEXT_BYTES);
const key: usize = memory.data(32);
const value: usize = memory.data(32);
const separator: usize = memory.data(1);

function step(): void {
  hmacSha256(context, key, BYTES, value, BYTES, value);
}

/** 10.1.2.2; also the whole of reseeding (10.1.2.4), with entropy and additional input one after the other. */
export function drbgUpdate(input: usize, inputBytes: u32): void {
  for (let round: u32 = 0; round < 2; round++) {
    store<u8>(separator, round);
    hmacSha256Init(context, key, BYTES);
    hmacSha256Update(context, value, BYTES);
    hmacSha256Update(context, separator, 1);
    hmacSha256Update(context, input, inputBytes);
    hmacSha256Final(context, key);
    step();
    if (inputBytes == 0) return;
  }
}

/** 10.1.2.3: `seed` is entropy, nonce and personalisation, one after the other. */
export function drbgInstantiate(seed: usize, seedBytes: u32): void {
  memory.fill(key, 0, BYTES);
  memory.fill(value, 1, BYTES);
  drbgUpdate(seed, seedBytes);
}

/** 10.1.2.5, without additional input; the state before can't be told from the one after. */
export function drbgGenerate(out: usize, length: u32): void {
  while (length > 0) {
    step();
    const part = min(length, BYTES);
    memory.copy(out, value, part);
    out += part;
    length -= part;
  }
  drbgUpdate(0, 0);
}
