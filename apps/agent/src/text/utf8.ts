// UTF-8 as RFC 3629 §4 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.

/** Length (1..4) of the well-formed sequence at `ptr`, or 0 when the bytes before `end` don't start with one. */
export function utf8Sequence(ptr: usize, end: usize): u32 {
  if (ptr >= end) return 0;
  const first: u32 = load<u8>(ptr);
  if (first < 0x80) return 1;
  // The table of RFC 3629 §4: only the second byte's range depends on the first byte.
  let length: u32 = 2;
  let low: u32 = 0x80;
  let high: u32 = 0xbf;
  if (first < 0xc2) return 0;
  if (first >= 0xe0) {
    length = 3;
    if (first == 0xe0) low = 0xa0;
    else if (first == 0xed) high = 0x9f;
    else if (first >= 0xf0) {
      length = 4;
      if (first == 0xf0) low = 0x90;
      else if (first == 0xf4) high = 0x8f;
      else if (first > 0xf4) return 0;
    }
  }
  if (<u32>(end - ptr) < length) return 0;
  const second: u32 = load<u8>(ptr, 1);
  if (second < low || second > high) return 0;
  for (let i: u32 = 2; i < length; i++) {
    if ((load<u8>(ptr + i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

export function utf8Valid(ptr: usize, length: u32): bool {
  const end = ptr + length;
  while (ptr < end) {
    const step = utf8Sequence(ptr, end);
    if (step == 0) return false;
    ptr += step;
  }
  return true;
}

/** Writes a code point (a Unicode scalar value) and returns its 1..4 bytes; `dst` has room for 4. */
export function utf8Encode(dst: usize, codePoint: u32): u32 {
  if (codePoint < 0x80) {
    store<u8>(dst, codePoint);
    return 1;
  }
  const length: u32 = codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  for (let i = length - 1; i > 0; i--) {
    store<u8>(dst + i, 0x80 | (codePoint & 0x3f));
    codePoint >>= 6;
  }
  store<u8>(dst, (0xf00 >> length) | codePoint);
  return length;
}
