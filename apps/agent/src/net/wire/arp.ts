// ARP for IPv4 over Ethernet (RFC 826), 28 bytes:
//   hardware 0..2 | protocol 2..4 | lengths 4..6 | operation 6..8 | sender mac 8..14 | sender ip 14..18
//   target mac 18..24 | target ip 24..28

import { get16, put16, put32 } from "../../big-endian";

export namespace Arp {
  export const Operation: usize = 6;
  export const SenderMac: usize = 8;
  export const SenderAddress: usize = 14;
  export const TargetMac: usize = 18;
  export const TargetAddress: usize = 24;
  export const Bytes: u32 = 28;
  export const Request: u32 = 1;
  export const Reply: u32 = 2;
}

// Hardware 1 (Ethernet), protocol 0x0800 (IPv4), address lengths 6 and 4; as little-endian words.
const HARDWARE_AND_PROTOCOL: u32 = 0x00080100;
const LENGTHS: u16 = 0x0406;

/** Whether `lengthBytes` at `p` is a request or a reply for IPv4 over Ethernet; then every field can be read. */
export function isArp(p: usize, lengthBytes: u32): bool {
  return (
    lengthBytes >= Arp.Bytes &&
    load<u32>(p) == HARDWARE_AND_PROTOCOL &&
    load<u16>(p + 4) == LENGTHS &&
    get16(p + Arp.Operation) - 1 < 2
  );
}

export function writeArp(p: usize, operation: u32, senderMac: usize, sender: u32, target: u32): void {
  store<u32>(p, HARDWARE_AND_PROTOCOL);
  store<u16>(p + 4, LENGTHS);
  put16(p + Arp.Operation, operation);
  memory.copy(p + Arp.SenderMac, senderMac, 6);
  put32(p + Arp.SenderAddress, sender);
  put32(p + Arp.TargetAddress, target);
}
