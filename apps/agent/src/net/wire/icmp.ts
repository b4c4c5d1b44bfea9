// ICMP (RFC 792):  type 0 | code 1 | checksum 2..4 | echo: identifier 4..6, sequence 6..8, data 8..
//   unreachable: next-hop MTU 6..8 (RFC 1191 §4, of code 4), IPv4 header and at least 8 bytes of the packet 8..

import { fold, sum } from "./checksum";

export namespace Icmp {
  export const Type: usize = 0;
  export const Code: usize = 1;
  export const Checksum: usize = 2;
  export const NextHopMtu: usize = 6;
  export const HeaderBytes: u32 = 8;
  export const EchoReply: u32 = 0;
  export const Unreachable: u32 = 3;
  export const EchoRequest: u32 = 8;
  /** Code of `Unreachable`: fragmentation needed, and it was forbidden. */
  export const TooBig: u32 = 4;
}

/** What of the packet is quoted behind its IPv4 header. */
export const QUOTED_BYTES: u32 = 8;

/** Whether `lengthBytes` at `p` is an ICMP message with a whole header and a right checksum. */
export function isIcmp(p: usize, lengthBytes: u32): bool {
  return lengthBytes >= Icmp.HeaderBytes && fold(sum(p, lengthBytes, 0)) == 0;
}
