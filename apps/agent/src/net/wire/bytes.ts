// Network byte order (big-endian) in linear memory. Addresses are u32 values in host order: 10.0.2.15 is 0x0a00020f.

export function get16(p: usize): u32 {
  return <u32>bswap<u16>(load<u16>(p));
}

export function get32(p: usize): u32 {
  return bswap<u32>(load<u32>(p));
}

export function put16(p: usize, value: u32): void {
  store<u16>(p, bswap<u16>(<u16>value));
}

export function put32(p: usize, value: u32): void {
  store<u32>(p, bswap<u32>(value));
}
