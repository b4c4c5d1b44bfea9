// Lower-case hexadecimal on raw memory. One spelling a value: upper case and odd lengths are refused.

import { Errno } from "../exokernel";

/** Writes 2 * length digits and returns their number. */
export function hexEncode(dst: usize, src: usize, length: u32): u32 {
  for (let i: u32 = 0; i < length; i++) {
    const byte: u32 = load<u8>(src + i);
    store<u8>(dst + 2 * i, digit(byte >> 4), 0);
    store<u8>(dst + 2 * i, digit(byte & 15), 1);
  }
  return 2 * length;
}

/** Bytes written, or Errno.Argument when a digit is wrong or the bytes don't fit. `dst` may be `src`. */
export function hexDecode(dst: usize, capacity: u32, src: usize, length: u32): i32 {
  if (length & 1 || length >> 1 > capacity) return Errno.Argument;
  const bytes = length >> 1;
  for (let i: u32 = 0; i < bytes; i++) {
    const high = hexValue(load<u8>(src + 2 * i, 0));
    const low = hexValue(load<u8>(src + 2 * i, 1));
    if ((high | low) < 0) return Errno.Argument;
    store<u8>(dst + i, (high << 4) | low);
  }
  return <i32>bytes;
}

function digit(value: u32): u32 {
  return value + (value < 10 ? 0x30 : 0x57);
}

/** 0..15, or -1 for anything but a lower-case hexadecimal digit. */
function hexValue(char: u32): i32 {
  if (char - 0x30 < 10) return char - 0x30;
  if (char - 0x61 < 6) return char - 0x57;
  return -1;
}
