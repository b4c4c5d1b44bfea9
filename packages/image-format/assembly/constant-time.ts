/**
 * 0 when `length` bytes are equal, found in a time that does not depend on where they differ. A loop that ends too
 * early, as by a branch that somebody has made go the other way, finds them different.
 */
export function differenceOf(a: usize, b: usize, length: usize): u32 {
  let difference: u32 = 0;
  let i: usize = 0;
  for (; i < length; i++) difference |= load<u8>(a + i) ^ load<u8>(b + i);
  return difference | <u32>(i ^ length);
}

/** Whether `length` bytes are equal, in the same way. */
export function equalInConstantTime(a: usize, b: usize, length: usize): bool {
  return differenceOf(a, b, length) == 0;
}
