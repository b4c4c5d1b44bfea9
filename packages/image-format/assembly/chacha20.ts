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

/**
 * Fills the key stream and counts one block on. Sixteen variables and not a table: they fit into RV32's registers, and
 * take ten instructions a byte less.
 */
// biome-ignore format: §2.1, two steps to a line
function nextBlock(): void {
  let x0 = load<u32>(state, 0);
  let x1 = load<u32>(state, 4);
  let x2 = load<u32>(state, 8);
  let x3 = load<u32>(state, 12);
  let x4 = load<u32>(state, 16);
  let x5 = load<u32>(state, 20);
  let x6 = load<u32>(state, 24);
  let x7 = load<u32>(state, 28);
  let x8 = load<u32>(state, 32);
  let x9 = load<u32>(state, 36);
  let x10 = load<u32>(state, 40);
  let x11 = load<u32>(state, 44);
  let x12 = load<u32>(state, 48);
  let x13 = load<u32>(state, 52);
  let x14 = load<u32>(state, 56);
  let x15 = load<u32>(state, 60);
  for (let round = 0; round < 10; round++) {
    // the columns, then the diagonals
    x0 += x4; x12 = rotl(x12 ^ x0, 16);
    x8 += x12; x4 = rotl(x4 ^ x8, 12);
    x0 += x4; x12 = rotl(x12 ^ x0, 8);
    x8 += x12; x4 = rotl(x4 ^ x8, 7);
    x1 += x5; x13 = rotl(x13 ^ x1, 16);
    x9 += x13; x5 = rotl(x5 ^ x9, 12);
    x1 += x5; x13 = rotl(x13 ^ x1, 8);
    x9 += x13; x5 = rotl(x5 ^ x9, 7);
    x2 += x6; x14 = rotl(x14 ^ x2, 16);
    x10 += x14; x6 = rotl(x6 ^ x10, 12);
    x2 += x6; x14 = rotl(x14 ^ x2, 8);
    x10 += x14; x6 = rotl(x6 ^ x10, 7);
    x3 += x7; x15 = rotl(x15 ^ x3, 16);
    x11 += x15; x7 = rotl(x7 ^ x11, 12);
    x3 += x7; x15 = rotl(x15 ^ x3, 8);
    x11 += x15; x7 = rotl(x7 ^ x11, 7);
    x0 += x5; x15 = rotl(x15 ^ x0, 16);
    x10 += x15; x5 = rotl(x5 ^ x10, 12);
    x0 += x5; x15 = rotl(x15 ^ x0, 8);
    x10 += x15; x5 = rotl(x5 ^ x10, 7);
    x1 += x6; x12 = rotl(x12 ^ x1, 16);
    x11 += x12; x6 = rotl(x6 ^ x11, 12);
    x1 += x6; x12 = rotl(x12 ^ x1, 8);
    x11 += x12; x6 = rotl(x6 ^ x11, 7);
    x2 += x7; x13 = rotl(x13 ^ x2, 16);
    x8 += x13; x7 = rotl(x7 ^ x8, 12);
    x2 += x7; x13 = rotl(x13 ^ x2, 8);
    x8 += x13; x7 = rotl(x7 ^ x8, 7);
    x3 += x4; x14 = rotl(x14 ^ x3, 16);
    x9 += x14; x4 = rotl(x4 ^ x9, 12);
    x3 += x4; x14 = rotl(x14 ^ x3, 8);
    x9 += x14; x4 = rotl(x4 ^ x9, 7);
  }
  store<u32>(stream, x0 + load<u32>(state, 0), 0);
  store<u32>(stream, x1 + load<u32>(state, 4), 4);
  store<u32>(stream, x2 + load<u32>(state, 8), 8);
  store<u32>(stream, x3 + load<u32>(state, 12), 12);
  store<u32>(stream, x4 + load<u32>(state, 16), 16);
  store<u32>(stream, x5 + load<u32>(state, 20), 20);
  store<u32>(stream, x6 + load<u32>(state, 24), 24);
  store<u32>(stream, x7 + load<u32>(state, 28), 28);
  store<u32>(stream, x8 + load<u32>(state, 32), 32);
  store<u32>(stream, x9 + load<u32>(state, 36), 36);
  store<u32>(stream, x10 + load<u32>(state, 40), 40);
  store<u32>(stream, x11 + load<u32>(state, 44), 44);
  store<u32>(stream, x12 + load<u32>(state, 48), 48);
  store<u32>(stream, x13 + load<u32>(state, 52), 52);
  store<u32>(stream, x14 + load<u32>(state, 56), 56);
  store<u32>(stream, x15 + load<u32>(state, 60), 60);
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
