// ICMP echo (RFC 792):  type 0 | code 1 | checksum 2..4 | identifier 4..6 | sequence 6..8 | data 8..

import { fold, sum } from "./checksum";

export namespace Icmp {
  export const Type: usize = 0;
  export const Checksum: usize = 2;
  export const HeaderBytes: u32 = 8;
  export const EchoReply: u32 = 0;
  export const EchoRequest: u32 = 8;
}

/** Whether `lengthBytes` at `p` is an ICMP message with an echo header and a right checksum. */
export function isIcmp(p: usize, lengthBytes: u32): bool {
  return lengthBytes >= Icmp.HeaderBytes && fold(sum(p, lengthBytes, 0)) == 0;
}
