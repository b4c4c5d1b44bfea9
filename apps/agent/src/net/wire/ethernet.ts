// Ethernet II frames (RFC 894):  destination 0..6 | source 6..12 | type 12..14 | payload 14..

export namespace Ethernet {
  export const Destination: usize = 0;
  export const Source: usize = 6;
  export const Type: usize = 12;
  export const Payload: usize = 14;
}

export namespace EtherType {
  export const Ipv4: u32 = 0x0800;
  export const Arp: u32 = 0x0806;
}

export function copyMac(to: usize, from: usize): void {
  store<u32>(to, load<u32>(from));
  store<u16>(to + 4, load<u16>(from + 4));
}

export function sameMac(a: usize, b: usize): bool {
  return load<u32>(a) == load<u32>(b) && load<u16>(a + 4) == load<u16>(b + 4);
}

export function isBroadcastMac(p: usize): bool {
  return load<u32>(p) == 0xffffffff && load<u16>(p + 4) == 0xffff;
}

/** Group bit: multicast or broadcast; never the address of one station. */
export function isGroupMac(p: usize): bool {
  return (load<u8>(p) & 1) != 0;
}
