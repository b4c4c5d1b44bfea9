// Arithmetic modulo the order of the base point, L = 2^252 + 27742317777372353535851937790883648493 (RFC 8032 §5.1).
// Scalars are 32 bytes, little-endian. Small rather than fast: a reduction is shift and subtract, a bit at a time.
// Nothing here branches on, or indexes memory by, the value of a scalar.

const order: usize = memory.data<u32>([
  0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0x00000000, 0x00000000, 0x00000000, 0x10000000,
]);

const difference: usize = memory.data(32, 8);

/** difference = s − L; all ones when s < L, else 0. */
function subtractOrder(s: usize): u32 {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    borrow += <i64>load<u32>(s + i) - <i64>load<u32>(order + i);
    store<u32>(difference + i, <u32>borrow);
    borrow >>= 32;
  }
  return <u32>borrow;
}

export function scalarIsCanonical(s: usize): bool {
  return subtractOrder(s) != 0;
}

/** r = x mod L for a little-endian x of 64 bytes; r may not overlap x. */
export function scalarReduce(r: usize, x: usize): void {
  // The top 224 bits are below L as they stand; the other 288 are shifted in one by one: r ← 2·r + bit < 2·L.
  memory.copy(r, x + 36, 28);
  store<u32>(r, 0, 28);
  for (let bit: i32 = 287; bit >= 0; bit--) {
    let carry = (load<u32>(x + ((bit >> 5) << 2)) >> (bit & 31)) & 1;
    for (let i: usize = 0; i < 32; i += 4) {
      const word = load<u32>(r + i);
      store<u32>(r + i, (word << 1) | carry);
      carry = word >> 31;
    }
    const keep = subtractOrder(r);
    for (let i: usize = 0; i < 32; i += 4) {
      const less = load<u32>(difference + i);
      store<u32>(r + i, less ^ ((less ^ load<u32>(r + i)) & keep));
    }
  }
  memory.fill(difference, 0, 32); // x may be a secret
}

const sum: usize = memory.data(64, 8);

/** r = (a · b + c) mod L, for any 256-bit a, b and c; r may be any of them. */
export function scalarMultiplyAdd(r: usize, a: usize, b: usize, c: usize): void {
  memory.copy(sum, c, 32);
  memory.fill(sum + 32, 0, 32);
  for (let i: usize = 0; i < 32; i += 4) {
    const factor = <u64>load<u32>(a + i);
    let carry: u64 = 0;
    for (let j: usize = 0; j < 32; j += 4) {
      // (2^32 − 1)^2 + 2·(2^32 − 1) = 2^64 − 1: cannot overflow
      carry += factor * <u64>load<u32>(b + j) + <u64>load<u32>(sum + i + j);
      store<u32>(sum + i + j, <u32>carry);
      carry >>= 32;
    }
    store<u32>(sum + i, <u32>carry, 32);
  }
  scalarReduce(r, sum);
  memory.fill(sum, 0, 64);
}
