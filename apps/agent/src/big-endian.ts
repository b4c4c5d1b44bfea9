// Numbers in network byte order (big-endian), as IP, MQTT and TLS have them. Addresses of IPv4 are u32 values in host
// order: 10.0.2.15 is 0x0a00020f.

export function get16(p: usize): u32 {
  return <u32>bswap<u16>(load<u16>(p));
}

export function get24(p: usize): u32 {
  return ((<u32>load<u8>(p)) << 16) | get16(p + 1);
}

export function get32(p: usize): u32 {
  return bswap<u32>(load<u32>(p));
}

/** Where the next byte goes; the same of all below. */
export function put8(p: usize, value: u32): usize {
  store<u8>(p, value);
  return p + 1;
}

export function put16(p: usize, value: u32): usize {
  store<u16>(p, bswap<u16>(<u16>value));
  return p + 2;
}

export function put24(p: usize, value: u32): usize {
  store<u8>(p, value >> 16);
  return put16(p + 1, value);
}

export function put32(p: usize, value: u32): usize {
  store<u32>(p, bswap<u32>(value));
  return p + 4;
}

export function putBytes(p: usize, from: usize, length: u32): usize {
  memory.copy(p, from, length);
  return p + length;
}
