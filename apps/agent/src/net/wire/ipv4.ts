// IPv4 header (RFC 791 §3.1):
//   version·IHL 0 | TOS 1 | total length 2..4 | identification 4..6 | flags·fragment offset 6..8 | TTL 8 | protocol 9
//   header checksum 10..12 | source 12..16 | destination 16..20 | options 20..IHL*4

import { get16 } from "../../big-endian";
import { fold, sum } from "./checksum";

export namespace Ipv4 {
  export const VersionAndLength: usize = 0;
  export const TotalLength: usize = 2;
  export const Identification: usize = 4;
  export const Fragment: usize = 6;
  export const TimeToLive: usize = 8;
  export const Protocol: usize = 9;
  export const Checksum: usize = 10;
  export const Source: usize = 12;
  export const Destination: usize = 16;
  export const HeaderBytes: u32 = 20;
  export const DontFragment: u32 = 0x4000;
  export const Broadcast: u32 = 0xffffffff;
}

export namespace Protocol {
  export const Icmp: u32 = 1;
  export const Tcp: u32 = 6;
  export const Udp: u32 = 17;
}

/** Length of the header with its options in bytes when the header at `p` is sound, else 0; then it and the total
 * length lie within `lengthBytes`. */
export function ipv4HeaderBytes(p: usize, lengthBytes: u32): u32 {
  if (lengthBytes < Ipv4.HeaderBytes) return 0;
  const first: u32 = load<u8>(p);
  const header = (first & 15) << 2;
  const total = get16(p + Ipv4.TotalLength);
  if (first >>> 4 != 4 || header < Ipv4.HeaderBytes || total < header || total > lengthBytes) return 0;
  return fold(sum(p, header, 0)) == 0 ? header : 0;
}

/** More fragments follow, or this is not the first one. */
export function isFragment(p: usize): bool {
  return (get16(p + Ipv4.Fragment) & 0x3fff) != 0;
}

/** Whether this can be the address of one host (RFC 1122 §3.2.1.3): no multicast, broadcast, loopback, "this". */
export function isUnicast(address: u32): bool {
  const top = address >>> 24;
  return top != 0 && top != 127 && top < 224;
}

/** The address in dotted decimal at `p`, or 0 when the text is anything else. */
export function parseAddress(p: usize, lengthBytes: u32): u32 {
  let address: u32 = 0;
  let part: u32 = 0;
  let digits: u32 = 0;
  let dots: u32 = 0;
  if (lengthBytes > 15) return 0;
  for (let i: u32 = 0; i < lengthBytes; ++i) {
    const c: u32 = load<u8>(p + i);
    if (c == 0x2e) {
      if (digits == 0) return 0;
      address = (address << 8) | part;
      part = 0;
      digits = 0;
      ++dots;
    } else {
      const digit = c - 0x30;
      if (digit > 9) return 0;
      part = part * 10 + digit;
      if (++digits > 3 || part > 255) return 0;
    }
  }
  return dots == 3 && digits != 0 ? (address << 8) | part : 0;
}
