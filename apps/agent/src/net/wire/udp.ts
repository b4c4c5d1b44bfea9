// UDP header (RFC 768):  source port 0..2 | destination port 2..4 | length 4..6 | checksum 6..8 | data 8..

import { get16, put16 } from "../../big-endian";
import { transportChecksum } from "./transport-checksum";

export namespace Udp {
  export const SourcePort: usize = 0;
  export const DestinationPort: usize = 2;
  export const Length: usize = 4;
  export const Checksum: usize = 6;
  export const HeaderBytes: u32 = 8;
}

/** Length of header and data in bytes when the datagram at `p` is sound, else 0. A checksum of 0 means none. */
export function udpBytes(ip: usize, p: usize, lengthBytes: u32): u32 {
  if (lengthBytes < Udp.HeaderBytes) return 0;
  const length = get16(p + Udp.Length);
  if (length < Udp.HeaderBytes || length > lengthBytes) return 0;
  if (load<u16>(p + Udp.Checksum) != 0 && transportChecksum(ip, p, length) != 0) return 0;
  return length;
}

/** Writes the header for `dataBytes` that are already in place; returns the length of the whole datagram. */
export function writeUdp(ip: usize, p: usize, sourcePort: u32, destinationPort: u32, dataBytes: u32): u32 {
  const length = Udp.HeaderBytes + dataBytes;
  put16(p + Udp.SourcePort, sourcePort);
  put16(p + Udp.DestinationPort, destinationPort);
  put16(p + Udp.Length, length);
  store<u16>(p + Udp.Checksum, 0);
  const checksum = transportChecksum(ip, p, length);
  store<u16>(p + Udp.Checksum, checksum == 0 ? 0xffff : <u16>checksum);
  return length;
}
