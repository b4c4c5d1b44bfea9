// The checksum of UDP and TCP, which covers addresses and protocol of the IPv4 header before them, too.

import { fold, sum } from "./checksum";
import { Ipv4 } from "./ipv4";

/** The sum over pseudo-header (RFC 768, RFC 9293 §3.1) and `lengthBytes` after the IPv4 header at `ip`. */
export function transportChecksum(ip: usize, payload: usize, lengthBytes: u32): u32 {
  const pseudo = sum(
    ip + Ipv4.Source,
    8,
    ((<u32>load<u8>(ip + Ipv4.Protocol)) << 8) + <u32>bswap<u16>(<u16>lengthBytes),
  );
  return fold(sum(payload, lengthBytes, pseudo));
}
