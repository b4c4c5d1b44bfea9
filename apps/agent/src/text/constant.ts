// ASCII constants as bytes: written once, at start.

/** The characters of an ASCII literal in memory that is never freed. Call it at start only. */
export function asciiBytes(literal: string): usize {
  const ptr = heap.alloc(literal.length);
  for (let i: i32 = 0; i < literal.length; i++) store<u8>(ptr + i, <u8>literal.charCodeAt(i));
  return ptr;
}
