// TCP header (RFC 9293 §3.1):
//   source port 0..2 | destination port 2..4 | sequence 4..8 | acknowledgement 8..12 | data offset 12 | flags 13
//   window 14..16 | checksum 16..18 | urgent 18..20 | options 20..offset*4
// A received segment is parsed once into the variables of this module ("the segment"), valid until the next parse.

import { get16, get32 } from "../../big-endian";
import { transportChecksum } from "./transport-checksum";

export namespace Tcp {
  export const SourcePort: usize = 0;
  export const DestinationPort: usize = 2;
  export const Sequence: usize = 4;
  export const Acknowledgement: usize = 8;
  export const DataOffset: usize = 12;
  export const Flags: usize = 13;
  export const Window: usize = 14;
  export const Checksum: usize = 16;
  export const Urgent: usize = 18;
  export const HeaderBytes: u32 = 20;
}

export namespace Flag {
  export const Fin: u32 = 1;
  export const Syn: u32 = 2;
  export const Rst: u32 = 4;
  export const Psh: u32 = 8;
  export const Ack: u32 = 16;
}

export namespace TcpOption {
  export const End: u32 = 0;
  export const Nop: u32 = 1;
  export const Mss: u32 = 2; // RFC 9293 §3.7.1
  export const SackPermitted: u32 = 4; // RFC 2018
  export const Sack: u32 = 5;
}

/** Sender's maximum segment size where its SYN names none (RFC 9293 §3.7.1). */
const DEFAULT_MSS: u32 = 536;

export let sourcePort: u32 = 0;
export let destinationPort: u32 = 0;
export let sequence: u32 = 0;
export let acknowledgement: u32 = 0;
export let flags: u32 = 0;
export let window: u32 = 0;
export let payload: usize = 0;
export let payloadBytes: u32 = 0;
export let mss: u32 = 0;
export let sackPermitted: bool = false;

/** Space in the sequence numbers that the segment takes: data, SYN and FIN (RFC 9293 §3.4). */
export function sequenceBytes(): u32 {
  return payloadBytes + ((flags >>> 1) & 1) + (flags & 1);
}

/** Parses `lengthBytes` at `p` after the IPv4 header at `ip`; false when the segment is malformed. */
export function parseTcp(ip: usize, p: usize, lengthBytes: u32): bool {
  if (lengthBytes < Tcp.HeaderBytes) return false;
  const header = (<u32>load<u8>(p + Tcp.DataOffset) >>> 4) << 2;
  if (header < Tcp.HeaderBytes || header > lengthBytes) return false;
  if (transportChecksum(ip, p, lengthBytes) != 0) return false;
  sourcePort = get16(p + Tcp.SourcePort);
  destinationPort = get16(p + Tcp.DestinationPort);
  sequence = get32(p + Tcp.Sequence);
  acknowledgement = get32(p + Tcp.Acknowledgement);
  flags = load<u8>(p + Tcp.Flags) & 31;
  window = get16(p + Tcp.Window);
  payload = p + header;
  payloadBytes = lengthBytes - header;
  mss = DEFAULT_MSS;
  sackPermitted = false;
  return parseOptions(p + Tcp.HeaderBytes, payload);
}

/** Each turn moves on by at least one byte; an option of length 0 or 1, or past `end`, is malformed. */
function parseOptions(p: usize, end: usize): bool {
  while (p < end) {
    const kind: u32 = load<u8>(p);
    if (kind == TcpOption.End) break;
    if (kind == TcpOption.Nop) {
      ++p;
      continue;
    }
    if (end - p < 2) return false;
    const length: u32 = load<u8>(p + 1);
    if (length < 2 || length > <u32>(end - p)) return false;
    if (kind == TcpOption.Mss && length == 4) mss = get16(p + 2);
    else if (kind == TcpOption.SackPermitted) sackPermitted = true;
    p += length;
  }
  return true;
}
