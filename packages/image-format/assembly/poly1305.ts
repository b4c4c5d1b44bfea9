// Poly1305, RFC 8439 §2.5: the message as a polynomial over p = 2^130 − 5, evaluated at a secret r.
//
// Numbers are five limbs of 26 bits. A product column is below 5 · 2^27 · (5 · 2^26) < 2^59, so nothing wraps. No
// branch and no address depends on key or message, only on its length; how that was checked: by reading, and on RV32
// by device-vectors.test.ts, which counts instructions.
//
// A context lives in memory of the caller's, aligned to 4:   0 r   20 h, what is summed so far   40 s, added at the end

export const POLY1305_CONTEXT_BYTES: usize = 56;
export const POLY1305_BLOCK_BYTES: usize = 16;
export const POLY1305_TAG_BYTES: usize = 16;

const R: usize = 0;
const H: usize = 20;
const S: usize = 40;
const LIMB: u32 = 0x3ffffff;

const lastBlock: usize = memory.data(16, 8);

/** Starts with a one-time key of 32 bytes: r, which is clamped, and s. */
export function poly1305Init(context: usize, key: usize): void {
  store<u32>(context, load<u32>(key) & 0x3ffffff, R);
  store<u32>(context, (load<u32>(key, 3) >> 2) & 0x3ffff03, R + 4);
  store<u32>(context, (load<u32>(key, 6) >> 4) & 0x3ffc0ff, R + 8);
  store<u32>(context, (load<u32>(key, 9) >> 6) & 0x3f03fff, R + 12);
  store<u32>(context, (load<u32>(key, 12) >> 8) & 0x00fffff, R + 16);
  memory.fill(context + H, 0, 20);
  memory.copy(context + S, key + 16, 16);
}

// @ts-ignore: decorator
@inline
function product(a: u32, b: u32): u64 {
  return <u64>a * <u64>b; // 32 × 32 → 64: mul and mulhu
}

/** h = (h + block) · r, `top` being the bit that marks the block's end within its highest limb. */
function fold(context: usize, block: usize, top: u32): void {
  const r0 = load<u32>(context, R);
  const r1 = load<u32>(context, R + 4);
  const r2 = load<u32>(context, R + 8);
  const r3 = load<u32>(context, R + 12);
  const r4 = load<u32>(context, R + 16);
  // 2^130 ≡ 5: a column that wraps counts five times.
  const w1 = 5 * r1;
  const w2 = 5 * r2;
  const w3 = 5 * r3;
  const w4 = 5 * r4;
  const h0 = load<u32>(context, H) + (load<u32>(block) & LIMB);
  const h1 = load<u32>(context, H + 4) + ((load<u32>(block, 3) >> 2) & LIMB);
  const h2 = load<u32>(context, H + 8) + ((load<u32>(block, 6) >> 4) & LIMB);
  const h3 = load<u32>(context, H + 12) + (load<u32>(block, 9) >> 6);
  const h4 = load<u32>(context, H + 16) + ((load<u32>(block, 12) >> 8) | top);

  let sum = product(h0, r0) + product(h1, w4) + product(h2, w3) + product(h3, w2) + product(h4, w1);
  let low = <u32>sum & LIMB;
  sum = (sum >> 26) + product(h0, r1) + product(h1, r0) + product(h2, w4) + product(h3, w3) + product(h4, w2);
  const limb1 = <u32>sum & LIMB;
  sum = (sum >> 26) + product(h0, r2) + product(h1, r1) + product(h2, r0) + product(h3, w4) + product(h4, w3);
  store<u32>(context, <u32>sum & LIMB, H + 8);
  sum = (sum >> 26) + product(h0, r3) + product(h1, r2) + product(h2, r1) + product(h3, r0) + product(h4, w4);
  store<u32>(context, <u32>sum & LIMB, H + 12);
  sum = (sum >> 26) + product(h0, r4) + product(h1, r3) + product(h2, r2) + product(h3, r1) + product(h4, r0);
  store<u32>(context, <u32>sum & LIMB, H + 16);
  // What is carried out is below 2^33: five times that, too, needs 64 bits.
  const wrapped = 5 * (sum >> 26) + low;
  low = <u32>wrapped & LIMB;
  store<u32>(context, low, H);
  store<u32>(context, limb1 + <u32>(wrapped >> 26), H + 4);
}

/** Whole blocks: `length` is a multiple of 16. */
export function poly1305Blocks(context: usize, data: usize, length: usize): void {
  for (; length; length -= POLY1305_BLOCK_BYTES) {
    fold(context, data, 1 << 24);
    data += POLY1305_BLOCK_BYTES;
  }
}

/** Carries through all limbs from the one at H + 4 on, and once around. */
function carryAll(context: usize): void {
  let carry: u32 = 0;
  for (let i: usize = 4; i < 20; i += 4) {
    const limb = load<u32>(context + i, H) + carry;
    store<u32>(context + i, limb & LIMB, H);
    carry = limb >> 26;
  }
  const low = load<u32>(context, H) + 5 * carry;
  store<u32>(context, low & LIMB, H);
  store<u32>(context, load<u32>(context, H + 4) + (low >> 26), H + 4);
}

/** h modulo p: h − p where that is not negative, by a mask. */
function reduce(context: usize): void {
  carryAll(context);
  carryAll(context);
  // The carry out of h + 5 is 1 exactly where h ≥ p.
  let carry: u32 = 5;
  for (let i: usize = 0; i < 20; i += 4) carry = (load<u32>(context + i, H) + carry) >> 26;
  carry *= 5;
  for (let i: usize = 0; i < 20; i += 4) {
    const limb = load<u32>(context + i, H) + carry;
    store<u32>(context + i, limb & LIMB, H);
    carry = limb >> 26;
  }
}

/** Takes the last bytes, fewer than 16 (none is fine), writes the tag of 16 bytes and wipes the context. */
export function poly1305Final(context: usize, data: usize, length: usize, out: usize): void {
  if (length) {
    memory.fill(lastBlock, 0, POLY1305_BLOCK_BYTES);
    memory.copy(lastBlock, data, length);
    store<u8>(lastBlock + length, 1);
    fold(context, lastBlock, 0);
    memory.fill(lastBlock, 0, POLY1305_BLOCK_BYTES);
  }
  reduce(context);
  const h1 = load<u32>(context, H + 4);
  const h2 = load<u32>(context, H + 8);
  const h3 = load<u32>(context, H + 12);
  let sum: u64 = <u64>(load<u32>(context, H) | (h1 << 26)) + load<u32>(context, S);
  store<u32>(out, <u32>sum);
  sum = (sum >> 32) + ((h1 >> 6) | (h2 << 20)) + load<u32>(context, S + 4);
  store<u32>(out, <u32>sum, 4);
  sum = (sum >> 32) + ((h2 >> 12) | (h3 << 14)) + load<u32>(context, S + 8);
  store<u32>(out, <u32>sum, 8);
  sum = (sum >> 32) + ((h3 >> 18) | (load<u32>(context, H + 16) << 8)) + load<u32>(context, S + 12);
  store<u32>(out, <u32>sum, 12);
  memory.fill(context, 0, POLY1305_CONTEXT_BYTES);
}
