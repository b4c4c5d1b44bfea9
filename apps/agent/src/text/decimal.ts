// Decimal integers on raw memory.

import { divided } from "../divide";
import { Errno } from "../exokernel";

/** The longest that decimalWrite… writes: "-9223372036854775808" and "18446744073709551615". */
export const DECIMAL_BYTES: u32 = 20;

/** Writes `value` (at most DECIMAL_BYTES) and returns the number of characters. */
export function decimalWriteU64(dst: usize, value: u64): u32 {
  // Digits come out backwards.
  let length: u32 = 0;
  do {
    const rest = divided(value, 10);
    store<u8>(dst + length++, 0x30 + <u32>(value - rest * 10));
    value = rest;
  } while (value != 0);
  for (let i: u32 = 0, j = length - 1; i < j; i++, j--) {
    const swap = load<u8>(dst + i);
    store<u8>(dst + i, load<u8>(dst + j));
    store<u8>(dst + j, swap);
  }
  return length;
}

export function decimalWriteI64(dst: usize, value: i64): u32 {
  if (value >= 0) return decimalWriteU64(dst, <u64>value);
  store<u8>(dst, 0x2d);
  return 1 + decimalWriteU64(dst + 1, <u64>-value);
}

/** The value of 1..10 digits without sign or leading zero, or Errno.Argument (also when it exceeds u32). */
export function decimalReadU32(src: usize, length: u32): i64 {
  if (length == 0 || length > 10) return Errno.Argument;
  if (length > 1 && load<u8>(src) == 0x30) return Errno.Argument;
  let value: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(src + i) - 0x30;
    if (digit > 9) return Errno.Argument;
    value = value * 10 + digit;
  }
  return value > <u64>u32.MAX_VALUE ? <i64>Errno.Argument : <i64>value;
}
