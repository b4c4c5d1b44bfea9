// Comparison of bytes as one function: AssemblyScript's memory.compare is compiled in wherever it is called, some 400
// bytes of RV32 each time.

/** 0 when `length` bytes are equal; else below or above 0, as the first that differs. */
export function compareBytes(a: usize, b: usize, length: usize): i32 {
  for (let i: usize = 0; i < length; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference != 0) return difference;
  }
  return 0;
}
