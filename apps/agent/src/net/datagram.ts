// UDP datagrams on their way out.

import { beginPacket, sendPacket } from "./link";
import { Ipv4, Protocol } from "./wire/ipv4";
import { Udp, writeUdp } from "./wire/udp";

let packet: usize = 0;

/** Where the data of a datagram to `destination` goes, or 0 when none can be sent now. */
export function beginDatagram(destination: u32): usize {
  packet = beginPacket(destination, Protocol.Udp);
  return packet == 0 ? 0 : packet + Ipv4.HeaderBytes + Udp.HeaderBytes;
}

/** Sends the datagram that was begun last. */
export function sendDatagram(sourcePort: u32, destinationPort: u32, dataBytes: u32): void {
  sendPacket(packet, writeUdp(packet, packet + Ipv4.HeaderBytes, sourcePort, destinationPort, dataBytes));
}
