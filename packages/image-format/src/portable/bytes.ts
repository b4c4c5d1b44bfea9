// Little-endian access to byte arrays. Callers have checked the range; these read what is there.

export function readU16(bytes: Uint8Array, offset: i32): u32 {
  return <u32>bytes[offset] | ((<u32>bytes[offset + 1]) << 8);
}

export function readU32(bytes: Uint8Array, offset: i32): u32 {
  return (
    (<u32>bytes[offset] |
      ((<u32>bytes[offset + 1]) << 8) |
      ((<u32>bytes[offset + 2]) << 16) |
      ((<u32>bytes[offset + 3]) << 24)) >>>
    0
  );
}

export function writeU16(bytes: Uint8Array, offset: i32, value: u32): void {
  bytes[offset] = <u8>(value & 0xff);
  bytes[offset + 1] = <u8>((value >>> 8) & 0xff);
}

export function writeU32(bytes: Uint8Array, offset: i32, value: u32): void {
  bytes[offset] = <u8>(value & 0xff);
  bytes[offset + 1] = <u8>((value >>> 8) & 0xff);
  bytes[offset + 2] = <u8>((value >>> 16) & 0xff);
  bytes[offset + 3] = <u8>((value >>> 24) & 0xff);
}

export function equalBytes(a: Uint8Array, aOffset: i32, b: Uint8Array, bOffset: i32, length: i32): bool {
  let difference: u32 = 0;
  for (let i: i32 = 0; i < length; i++) difference |= <u32>(a[aOffset + i]! ^ b[bOffset + i]!);
  return difference == 0;
}

export function isFilledWith(bytes: Uint8Array, offset: i32, length: i32, value: u32): bool {
  for (let i: i32 = 0; i < length; i++) if (<u32>bytes[offset + i] != value) return false;
  return true;
}
