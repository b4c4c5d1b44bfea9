// Text of HTTP's fields on raw memory.

/** Whether these bytes are `text`, which is in lower case or has no letters, whatever the case of theirs. */
export function equalsText(at: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return false;
  for (let i: u32 = 0; i < length; ++i) if (lowerCase(load<u8>(at + i)) != lowerCase(text.charCodeAt(i))) return false;
  return true;
}

/** Whether these bytes are exactly `text`. */
export function isText(at: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return false;
  for (let i: u32 = 0; i < length; ++i) if (load<u8>(at + i) != <u8>text.charCodeAt(i)) return false;
  return true;
}

function lowerCase(byte: u32): u32 {
  return byte - 0x41 < 26 ? byte | 0x20 : byte;
}

/** RFC 9110 §5.6.2: tchar. */
export function isTokenByte(byte: u32): bool {
  if ((byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10) return true;
  const marks = "!#$%&'*+-.^_`|~";
  for (let i = 0; i < marks.length; ++i) if (<u32>marks.charCodeAt(i) == byte) return true;
  return false;
}
