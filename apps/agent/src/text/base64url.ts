// base64url without padding (RFC 4648 §5, as RFC 7515 uses it) on raw memory. Strict: no padding, no white space, no
// impossible length, and the unused bits of the last character are zero, so a value has exactly one spelling.

import { Errno } from "../exokernel";

// biome-ignore format: a table, row by row
const ALPHABET: usize = memory.data<u8>([
  0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, // A-P
  0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, // Q-Z a-f
  0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, // g-v
  0x77, 0x78, 0x79, 0x7a, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x2d, 0x5f, // w-z 0-9 - _
]);

/** Characters for `length` bytes; `length` is below 2^29. */
export function base64urlLength(length: u32): u32 {
  return (length * 4 + 2) / 3;
}

/** Writes base64urlLength(length) characters and returns their number. */
export function base64urlEncode(dst: usize, src: usize, length: u32): u32 {
  const start = dst;
  let bits: u32 = 0;
  let pending: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    bits = (bits << 8) | load<u8>(src + i);
    pending += 8;
    while (pending >= 6) {
      pending -= 6;
      store<u8>(dst++, load<u8>(ALPHABET + ((bits >> pending) & 63)));
    }
  }
  if (pending != 0) store<u8>(dst++, load<u8>(ALPHABET + ((bits << (6 - pending)) & 63)));
  return <u32>(dst - start);
}

/** Bytes written, or Errno.Argument when the text is not strict base64url or doesn't fit. `dst` may be `src`. */
export function base64urlDecode(dst: usize, capacity: u32, src: usize, length: u32): i32 {
  if ((length & 3) == 1) return Errno.Argument;
  if ((<u64>length * 3) >> 2 > <u64>capacity) return Errno.Argument;
  const start = dst;
  let bits: u32 = 0;
  let pending: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const value = sextet(load<u8>(src + i));
    if (value < 0) return Errno.Argument;
    bits = (bits << 6) | value;
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      store<u8>(dst++, bits >> pending);
    }
  }
  if (bits & ((1 << pending) - 1)) return Errno.Argument;
  return <i32>(dst - start);
}

/** 0..63, or -1 for a character outside the alphabet. */
function sextet(char: u32): i32 {
  if (char - 0x41 < 26) return char - 0x41;
  if (char - 0x61 < 26) return char - 0x47;
  if (char - 0x30 < 10) return char + 4;
  if (char == 0x2d) return 62;
  if (char == 0x5f) return 63;
  return -1;
}
