// ICMP: answers echo requests (RFC 1122 §3.2.2.6), and hears what routers say about packets of ours. Such an error is
// believed only where it quotes what is on its way now (RFC 5927); it ends no connection that stands.

import { Counter, count } from "./counters";
import { queryUnreachable } from "./dns-client";
import { address, beginPacket, mtu, sendPacket } from "./link";
import { receiveTcpError } from "./tcp";
import { get16, get32 } from "../big-endian";
import { fold, sum } from "./wire/checksum";
import { Dns } from "./wire/dns";
import { Icmp, QUOTED_BYTES, isIcmp } from "./wire/icmp";
import { Ipv4, Protocol } from "./wire/ipv4";
import { Udp } from "./wire/udp";

export function receiveIcmp(p: usize, lengthBytes: u32, source: u32): void {
  if (!isIcmp(p, lengthBytes)) return count(Counter.DroppedIcmp);
  if (load<u8>(p + Icmp.Type) == Icmp.Unreachable) {
    if (!receiveUnreachable(p, lengthBytes)) count(Counter.DroppedIcmp);
    return;
  }
  const isEcho = load<u16>(p + Icmp.Type) == <u16>Icmp.EchoRequest; // code 0
  if (!isEcho || lengthBytes > mtu - Ipv4.HeaderBytes) return count(Counter.DroppedIcmp);
  const ip = beginPacket(source, Protocol.Icmp);
  if (ip == 0) return;
  const reply = ip + Ipv4.HeaderBytes;
  memory.copy(reply, p, lengthBytes);
  store<u32>(reply, Icmp.EchoReply); // type, code, checksum
  store<u16>(reply + Icmp.Checksum, <u16>fold(sum(reply, lengthBytes, 0)));
  sendPacket(ip, lengthBytes);
  count(Counter.EchoReplies);
}

/** False when it is malformed, or about nothing that we have on its way. The quoted checksum is not looked at: a router
 * may have changed the time to live. */
function receiveUnreachable(p: usize, lengthBytes: u32): bool {
  const quoted = p + Icmp.HeaderBytes;
  const quotedBytes = lengthBytes - Icmp.HeaderBytes;
  if (quotedBytes < Ipv4.HeaderBytes) return false;
  const first: u32 = load<u8>(quoted);
  const header = (first & 15) << 2;
  if (first >>> 4 != 4 || header < Ipv4.HeaderBytes || quotedBytes < header + QUOTED_BYTES) return false;
  if (get32(quoted + Ipv4.Source) != address) return false;
  const destination = get32(quoted + Ipv4.Destination);
  const protocol: u32 = load<u8>(quoted + Ipv4.Protocol);
  const isTooBig = load<u8>(p + Icmp.Code) == Icmp.TooBig;
  if (protocol == Protocol.Tcp) {
    const size = isTooBig ? get16(quoted + Ipv4.TotalLength) : 0;
    return receiveTcpError(destination, quoted + header, size, get16(p + Icmp.NextHopMtu));
  }
  if (protocol != Protocol.Udp || isTooBig || get16(quoted + header + Udp.DestinationPort) != Dns.Port) return false;
  return queryUnreachable(destination, get16(quoted + header + Udp.SourcePort));
}
