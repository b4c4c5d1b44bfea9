// 64-bit division by a small number, so that RV32 needs none from the C library: that would be 900 bytes a sign.

/** `value` / `by`, rounded down; `by` is below 2^16. */
export function divided(value: u64, by: u32): u64 {
  let quotient: u64 = 0;
  let rest: u32 = 0;
  // Four digits of 16 bits. The rest is below `by`, so with the next digit behind it, it fits 32 bits, and a digit of
  // the quotient fits 16.
  for (let step: u32 = 0; step < 4; step++) {
    rest = (rest << 16) | <u32>(value >> 48);
    value <<= 16;
    quotient = (quotient << 16) | (rest / by);
    rest %= by;
  }
  return quotient;
}
