// Arithmetic modulo p = 2^255 − 19.
//
// An element is ten i32 limbs in memory (40 bytes), radix 2^25.5 (Bernstein, "Curve25519: new Diffie-Hellman
// speed records", §3): limb i weighs 2^⌈25.5·i⌉, so limbs hold 26 and 25 bits in turn.
//
//   limb    0     1     2     3     4     5     6     7     8     9
//   bit     0    26    51    77   102   128   153   179   204   230
//
// Sizes are counted in units: an element of u units has |limb| ≤ u · 1.01 · 2^25 (even) or 2^24 (odd).
//   feMultiply, feSquare, feMultiplySmall and constants leave 1 unit
//   feFromBytes             leaves 2
//   feAdd, feSubtract       leave the sum of both
//   feMultiply(h, f, g)     takes f up to 6 and g up to 3, for 19·g must fit an i32: 19 · 3.03 · 2^25 < 2^31;
//                           a column is then below 10 · (6.06 · 2^25) · (57.6 · 2^25) < 2^62 (odd ones are half of
//                           that, and doubled)
//   feSquare(h, f)          takes f up to 3: the same bound holds for 19·f and, in odd limbs, 38·f
//   feToBytes               takes up to 3
//
// Nothing here branches on, or indexes memory by, the value of an element.

export const FE_BYTES: usize = 40;

/** ⌈25.5·i⌉ */
// @ts-ignore: decorator
@inline
function bitOffset(i: u32): u32 {
  return (51 * i + 1) >> 1;
}

/** 26 or 25 */
// @ts-ignore: decorator
@inline
function limbBits(i: u32): u32 {
  return 26 - (i & 1);
}

export function feCopy(h: usize, f: usize): void {
  memory.copy(h, f, FE_BYTES);
}

/** h = n, for a small n */
export function feSet(h: usize, n: i32): void {
  memory.fill(h, 0, FE_BYTES);
  store<i32>(h, n);
}

/** h = f + g */
export function feAdd(h: usize, f: usize, g: usize): void {
  for (let i: usize = 0; i < FE_BYTES; i += 4) store<i32>(h + i, load<i32>(f + i) + load<i32>(g + i));
}

/** h = f − g */
export function feSubtract(h: usize, f: usize, g: usize): void {
  for (let i: usize = 0; i < FE_BYTES; i += 4) store<i32>(h + i, load<i32>(f + i) - load<i32>(g + i));
}

/** Everything below that is kept between two steps, in one piece so that it can be wiped. */
const WORK_BYTES: usize = 80 + 3 * 40 + 32 + 80;
const work: usize = memory.data(312, 8);

export function feForget(): void {
  memory.fill(work, 0, WORK_BYTES);
}

/** 19·g, then g: a column of the product that wraps around 2^255 ≡ 19 just reads further left. */
const wrapped: usize = work;

// @ts-ignore: decorator
@inline
function product(f: i32, g: i32): i64 {
  return <i64>f * <i64>g; // 32 × 32 → 64: mul and mulh
}

/** Writes limb k of a product, whose column with the carry from below is `sum`; returns the carry to the next one. */
// @ts-ignore: decorator
@inline
function settleColumn(h: usize, k: u32, sum: i64): i64 {
  // An odd column is doubled and its limb halved: then every shift is by a constant, which RV32 does in line.
  if (k & 1) sum <<= 1;
  // Carry the nearest multiple, so that what stays is between −2^25 and 2^25 (2^24 in odd columns).
  const carry = (sum + (1 << 25)) >> 26;
  store<i32>(h + (k << 2), (<i32>sum - (<i32>carry << 26)) >> (k & 1));
  return carry;
}

/** Adds the last limb's carry to the first: 2^255 ≡ 19. */
function wrapCarry(h: usize, carry: i64): void {
  // The carry is below 2^38, so what it leaves for limb 1 is below 2^17.
  const low = <i64>load<i32>(h) + 19 * carry;
  carry = (low + (1 << 25)) >> 26;
  store<i32>(h, <i32>low - (<i32>carry << 26));
  store<i32>(h, load<i32>(h, 4) + <i32>carry, 4);
}

/**
 * h = f · g; h may be f or g.
 *
 * h_k = Σ f_i · g_(k−i), and 19 times that where k < i. Where i and k − i are both odd, the two half bits of their
 * weights make a whole one, so the product counts twice: that is every odd i in the even columns.
 */
export function feMultiply(h: usize, f: usize, g: usize): void {
  const f0 = load<i32>(f);
  const f1 = load<i32>(f, 4);
  const f2 = load<i32>(f, 8);
  const f3 = load<i32>(f, 12);
  const f4 = load<i32>(f, 16);
  const f5 = load<i32>(f, 20);
  const f6 = load<i32>(f, 24);
  const f7 = load<i32>(f, 28);
  const f8 = load<i32>(f, 32);
  const f9 = load<i32>(f, 36);
  for (let i: usize = 0; i < FE_BYTES; i += 4) {
    const limb = load<i32>(g + i);
    store<i32>(wrapped + i, 19 * limb);
    store<i32>(wrapped + i, limb, FE_BYTES);
  }

  let carry: i64 = 0;
  for (let k: u32 = 0; k < 10; k++) {
    const column = wrapped + (k << 2); // g_(k−i) is at 40 − 4·i
    const odd = product(f1, load<i32>(column, 36)) + product(f3, load<i32>(column, 28))
      + product(f5, load<i32>(column, 20)) + product(f7, load<i32>(column, 12))
      + product(f9, load<i32>(column, 4));
    const sum = carry + odd + product(f0, load<i32>(column, 40)) + product(f2, load<i32>(column, 32))
      + product(f4, load<i32>(column, 24)) + product(f6, load<i32>(column, 16))
      + product(f8, load<i32>(column, 8));
    carry = settleColumn(h, k, k & 1 ? sum : sum + odd);
  }
  wrapCarry(h, carry);
}

/** The columns of a square before their carries. */
const columns: usize = work + 232;

// @ts-ignore: decorator
@inline
function column(k: usize, once: i64, twice: i64): void {
  store<i64>(columns + (k << 3), once + (twice << 1));
}

/**
 * h = f²; h may be f. As {@link feMultiply}, but f_i · f_j and f_j · f_i are computed once. What wraps around 2^255 has
 * a factor of 19, and where two odd limbs meet there is one more of 2.
 */
export function feSquare(h: usize, f: usize): void {
  const f0 = load<i32>(f);
  const f1 = load<i32>(f, 4);
  const f2 = load<i32>(f, 8);
  const f3 = load<i32>(f, 12);
  const f4 = load<i32>(f, 16);
  const f5 = load<i32>(f, 20);
  const f6 = load<i32>(f, 24);
  const f7 = load<i32>(f, 28);
  const f8 = load<i32>(f, 32);
  const f9 = load<i32>(f, 36);
  const w5 = 38 * f5;
  const w6 = 19 * f6;
  const w7 = 38 * f7;
  const w8 = 19 * f8;
  const w9 = 38 * f9;
  const d1 = 2 * f1;
  const d3 = 2 * f3;
  column(0, product(f0, f0) + product(f5, w5), product(f1, w9) + product(f2, w8) + product(f3, w7) + product(f4, w6));
  column(1, product(f2, w9) + product(f4, w7), product(f0, f1) + product(f3, w8) + product(f5, w6));
  column(2, product(f6, w6), product(f0, f2) + product(f1, f1) + product(f3, w9) + product(f4, w8) + product(f5, w7));
  column(3, product(f4, w9) + product(f6, w7), product(f0, f3) + product(f1, f2) + product(f5, w8));
  column(4, product(f2, f2) + product(f7, w7), product(f0, f4) + product(d1, f3) + product(f5, w9) + product(f6, w8));
  column(5, product(f6, w9), product(f0, f5) + product(f1, f4) + product(f2, f3) + product(f7, w8));
  column(6, product(f8, w8), product(f0, f6) + product(d1, f5) + product(f2, f4) + product(f3, f3) + product(f7, w9));
  column(7, product(f8, w9), product(f0, f7) + product(f1, f6) + product(f2, f5) + product(f3, f4));
  column(8, product(f4, f4) + product(f9, w9), product(f0, f8) + product(d1, f7) + product(f2, f6) + product(d3, f5));
  column(9, 0, product(f0, f9) + product(f1, f8) + product(f2, f7) + product(f3, f6) + product(f4, f5));

  let carry: i64 = 0;
  for (let k: u32 = 0; k < 10; k++) carry = settleColumn(h, k, carry + load<i64>(columns + (k << 3)));
  wrapCarry(h, carry);
}

/** h = n · f, for n below 2^17 and f up to 6 units; leaves 1. h may be f. */
export function feMultiplySmall(h: usize, f: usize, n: i32): void {
  let carry: i64 = 0;
  for (let i: usize = 0; i < FE_BYTES; i += 8) {
    // Carried as in feMultiply: the nearest multiple, by constant shifts.
    const even = product(load<i32>(f + i), n) + carry;
    carry = (even + (1 << 25)) >> 26;
    store<i32>(h + i, <i32>even - (<i32>carry << 26));
    const odd = product(load<i32>(f + i, 4), n) + carry;
    carry = (odd + (1 << 24)) >> 25;
    store<i32>(h + i, <i32>odd - (<i32>carry << 25), 4);
  }
  // The carry is below 2^20, so what it leaves for limb 1 is one at most.
  const low = load<i32>(h) + 19 * <i32>carry;
  const rest = (low + (1 << 25)) >> 26;
  store<i32>(h, low - (rest << 26));
  store<i32>(h, load<i32>(h, 4) + rest, 4);
}

const power: usize = work + 80;

/** h = a^(2^n) · b; h may be a or b. */
function feSquareTimesMultiply(h: usize, a: usize, n: u32, b: usize): void {
  feCopy(power, a);
  for (; n; n--) feSquare(power, power);
  feMultiply(h, power, b);
}

const ones: usize = work + 120;

/** h = z^((p−5)/8) = z^(2^252 − 3); h may not be z. */
export function fePower22523(h: usize, z: usize): void {
  // ones = z^(2^n − 1), n growing along the bits of 250 = 0b11111010: doubled each time, then one more for a set bit.
  feCopy(ones, z);
  for (let bit: i32 = 6; bit >= 0; bit--) {
    feSquareTimesMultiply(ones, ones, 250 >> (bit + 1), ones);
    if ((250 >> bit) & 1) feSquareTimesMultiply(ones, ones, 1, z);
  }
  feSquareTimesMultiply(h, ones, 2, z);
}

const cube: usize = work + 160;

/** h = 1/z = z^(p−2) = (z^((p−5)/8))^8 · z^3; h may not be z. */
export function feInvert(h: usize, z: usize): void {
  fePower22523(h, z);
  feSquareTimesMultiply(cube, z, 1, z);
  feSquareTimesMultiply(h, h, 3, cube);
}

/** Reads 32 bytes, little-endian; the top bit is ignored, values from p to 2^255 − 1 are taken modulo p. */
export function feFromBytes(h: usize, bytes: usize): void {
  for (let i: u32 = 0; i < 10; i++) {
    // Every limb lies within the 32 bits that start at its first byte.
    const offset = bitOffset(i);
    const limb = (load<u32>(bytes + (offset >> 3)) >> (offset & 7)) & ((1 << limbBits(i)) - 1);
    store<u32>(h + (i << 2), limb);
  }
}

/** Writes the one 32-byte encoding with a value below p. `bytes` may not be f. */
export function feToBytes(bytes: usize, f: usize): void {
  // q = ⌊value / p⌋, from the top limb and then exactly, as value − q·p = value + 19·q − 2^255·q
  let q = (19 * load<i32>(f, 36) + (1 << 24)) >> 25;
  for (let i: u32 = 0; i < 10; i++) q = (load<i32>(f + (i << 2)) + q) >> limbBits(i);

  let carry = 19 * q;
  memory.fill(bytes, 0, 32);
  for (let i: u32 = 0; i < 10; i++) {
    const limb = load<i32>(f + (i << 2)) + carry;
    const bits = limbBits(i);
    carry = limb >> bits; // the last one is q, and dropped
    const offset = bitOffset(i);
    const at = bytes + (offset >> 3);
    store<u32>(at, load<u32>(at) | ((limb & ((1 << bits) - 1)) << (offset & 7)));
  }
}

const encoded: usize = work + 200;

export function feIsZero(f: usize): bool {
  feToBytes(encoded, f);
  let bits: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) bits |= load<u64>(encoded + i);
  return !bits;
}

/** RFC 8032 §5.1.2: the sign of x is the lowest bit of its encoding. */
export function feSign(f: usize): u32 {
  feToBytes(encoded, f);
  return load<u8>(encoded) & 1;
}
