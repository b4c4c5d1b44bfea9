// ICMP: answers echo requests (RFC 1122 §3.2.2.6), nothing else. Errors from strangers end no connection (RFC 5927).

import { Counter, count } from "./counters";
import { beginPacket, mtu, sendPacket } from "./link";
import { fold, sum } from "./wire/checksum";
import { Icmp, isIcmp } from "./wire/icmp";
import { Ipv4, Protocol } from "./wire/ipv4";

export function receiveIcmp(p: usize, lengthBytes: u32, source: u32): void {
  const isEcho = isIcmp(p, lengthBytes) && load<u16>(p + Icmp.Type) == <u16>Icmp.EchoRequest; // code 0
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
