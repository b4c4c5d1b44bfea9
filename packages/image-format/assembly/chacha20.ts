// ChaCha20, RFC 8439 §2.3 and §2.4: additions, XORs and rotations by constants alone, so that its time and the memory
// that it touches depend on nothing but the length. How it was checked: by reading, and on RV32 by
// device-vectors.test.ts, which counts instructions.

export const CHACHA20_KEY_BYTES: usize = 32;
export const CHACHA20_NONCE_BYTES: usize = 12;
export const CHACHA20_BLOCK_BYTES: usize = 64;

const WORK_BYTES: usize = 128;
const work: usize = memory.data(128, 8);

/** §2.3: constants, key, block counter, nonce: sixteen words. */
const state: usize = work;
/** The key stream of one block. */
const stream: usize = work + 64;

const COUNTER: usize = 48;

/** §2.1 on the words at four offsets of the key stream. */
// @ts-ignore: decorator
@inline
function quarterRound(a: usize, b: usize, c: usize, d: usize): void {
  let va = load<u32>(stream + a);
  let vb = load<u32>(stream + b);
  let vc = load<u32>(stream + c);
  let vd = load<u32>(stream + d);
  va += vb; vd = rotl(vd ^ va, 16);
  vc += vd; vb = rotl(vb ^ vc, 12);
  va += vb; vd = rotl(vd ^ va, 8);
  vc += vd; vb = rotl(vb ^ vc, 7);
  store<u32>(stream + a, va);
  store<u32>(stream + b, vb);
  store<u32>(stream + c, vc);
  store<u32>(stream + d, vd);
}

/** Fills the key stream and counts one block on. */
function nextBlock(): void {
  memory.copy(stream, state, 64);
  for (let round = 0; round < 10; round++) {
    quarterRound(0, 16, 32, 48);
    quarterRound(4, 20, 36, 52);
    quarterRound(8, 24, 40, 56);
    quarterRound(12, 28, 44, 60);
    quarterRound(0, 20, 40, 60);
    quarterRound(4, 24, 44, 48);
    quarterRound(8, 28, 32, 52);
    quarterRound(12, 16, 36, 56);
  }
  for (let i: usize = 0; i < 64; i += 4) store<u32>(stream + i, load<u32>(stream + i) + load<u32>(state + i));
  store<u32>(state, load<u32>(state, COUNTER) + 1, COUNTER);
}

/**
 * XORs `length` bytes at `data` with the key stream, from block `counter` on. A stream has 2^32 blocks; the caller's
 * records are far shorter.
 */
export function chacha20Xor(key: usize, nonce: usize, counter: u32, data: usize, length: usize): void {
  // "expand 32-byte k"
  store<u32>(state, 0x61707865);
  store<u32>(state, 0x3320646e, 4);
  store<u32>(state, 0x79622d32, 8);
  store<u32>(state, 0x6b206574, 12);
  memory.copy(state + 16, key, CHACHA20_KEY_BYTES);
  store<u32>(state, counter, COUNTER);
  memory.copy(state + 52, nonce, CHACHA20_NONCE_BYTES);
  while (length >= CHACHA20_BLOCK_BYTES) {
    nextBlock();
    for (let i: usize = 0; i < CHACHA20_BLOCK_BYTES; i += 4)
      store<u32>(data + i, load<u32>(data + i) ^ load<u32>(stream + i));
    data += CHACHA20_BLOCK_BYTES;
    length -= CHACHA20_BLOCK_BYTES;
  }
  if (length) {
    nextBlock();
    for (let i: usize = 0; i < length; i++) store<u8>(data + i, load<u8>(data + i) ^ load<u8>(stream + i));
  }
  memory.fill(work, 0, WORK_BYTES);
}
