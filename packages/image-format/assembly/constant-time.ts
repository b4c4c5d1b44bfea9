/** Whether `length` bytes are equal, in a time that does not depend on where they differ. */
export function equalInConstantTime(a: usize, b: usize, length: usize): bool {
  let difference: u32 = 0;
  for (let i: usize = 0; i < length; i++) difference |= load<u8>(a + i) ^ load<u8>(b + i);
  return !difference;
}
