// The Internet checksum (RFC 1071). Sums are taken over little-endian words, which only swaps the bytes of the result
// (RFC 1071 §2 (B)): `fold` gives the value to store with a little-endian store, and 0 when a received sum is right.

/** Adds `lengthBytes` at `p` to `initial`. No overflow up to 64 KiB: fewer than 2^16 words below 2^16 each. */
export function sum(p: usize, lengthBytes: u32, initial: u32): u32 {
  const end = p + (lengthBytes & ~3);
  while (p < end) {
    const word = load<u32>(p);
    initial += (word & 0xffff) + (word >>> 16);
    p += 4;
  }
  if (lengthBytes & 2) {
    initial += load<u16>(p);
    p += 2;
  }
  if (lengthBytes & 1) initial += load<u8>(p);
  return initial;
}

export function fold(sum: u32): u32 {
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return sum ^ 0xffff;
}
