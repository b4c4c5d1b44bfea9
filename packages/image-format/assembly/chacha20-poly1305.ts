// AEAD_CHACHA20_POLY1305, RFC 8439 §2.8. Data is sealed and opened where it lies.

import { CHACHA20_KEY_BYTES, chacha20Xor } from "./chacha20";
import { equalInConstantTime } from "./constant-time";
import {
  POLY1305_BLOCK_BYTES,
  POLY1305_CONTEXT_BYTES,
  POLY1305_TAG_BYTES,
  poly1305Blocks,
  poly1305Final,
  poly1305Init,
} from "./poly1305";

export const AEAD_KEY_BYTES: usize = 32;
export const AEAD_NONCE_BYTES: usize = 12;
export const AEAD_TAG_BYTES: usize = 16;

/** All that is kept between two steps, in one piece so that it can be wiped. */
const WORK_BYTES: usize = 56 + 32 + 16 + 16;
const work: usize = memory.data(120, 8);

const context: usize = work;
const oneTimeKey: usize = work + POLY1305_CONTEXT_BYTES;
const block: usize = work + 88;
const expected: usize = work + 104;

/** Whole blocks as they are, the rest padded with zeros (§2.8, padding1 and padding2). */
function authenticate(data: usize, length: usize): void {
  const whole = length & ~(POLY1305_BLOCK_BYTES - 1);
  poly1305Blocks(context, data, whole);
  if (whole == length) return;
  memory.fill(block, 0, POLY1305_BLOCK_BYTES);
  memory.copy(block, data + whole, length - whole);
  poly1305Blocks(context, block, POLY1305_BLOCK_BYTES);
}

function tagOf(key: usize, nonce: usize, aad: usize, aadLength: usize, sealed: usize, length: usize, out: usize): void {
  memory.fill(oneTimeKey, 0, CHACHA20_KEY_BYTES);
  chacha20Xor(key, nonce, 0, oneTimeKey, CHACHA20_KEY_BYTES); // §2.6
  poly1305Init(context, oneTimeKey);
  authenticate(aad, aadLength);
  authenticate(sealed, length);
  store<u64>(block, aadLength);
  store<u64>(block, length, 8);
  poly1305Blocks(context, block, POLY1305_BLOCK_BYTES);
  poly1305Final(context, 0, 0, out);
}

/** Encrypts `length` bytes at `data` in place and writes their tag of 16 bytes to `tag`, which may lie behind them. */
export function aeadSeal(
  key: usize,
  nonce: usize,
  aad: usize,
  aadLength: usize,
  data: usize,
  length: usize,
  tag: usize,
): void {
  chacha20Xor(key, nonce, 1, data, length);
  tagOf(key, nonce, aad, aadLength, data, length, tag);
  memory.fill(work, 0, WORK_BYTES);
}

/** Decrypts in place, or returns false and leaves `data` as it is: nothing is decrypted before the tag was right. */
export function aeadOpen(
  key: usize,
  nonce: usize,
  aad: usize,
  aadLength: usize,
  data: usize,
  length: usize,
  tag: usize,
): bool {
  tagOf(key, nonce, aad, aadLength, data, length, expected);
  const authentic = equalInConstantTime(expected, tag, POLY1305_TAG_BYTES);
  memory.fill(work, 0, WORK_BYTES);
  if (authentic) chacha20Xor(key, nonce, 1, data, length);
  return authentic;
}
