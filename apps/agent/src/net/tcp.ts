// Which connection a segment is for: the table of connections and listeners, and the answer to everybody else.

import { Counter, count } from "./counters";
import { beginPacket, sendPacket } from "./link";
import { hasRandom, random32 } from "./random";
import { TcpConnection, TcpState } from "./tcp-connection";
import { TcpListener } from "./tcp-listener";
import { get16, get32, put16, put32 } from "../big-endian";
import { transportChecksum } from "./wire/transport-checksum";
import { Ipv4, Protocol } from "./wire/ipv4";
import * as segment from "./wire/tcp";
import { Flag, Tcp, parseTcp, sequenceBytes } from "./wire/tcp";

const CONNECTIONS_MAX: i32 = 12;
const LISTENERS_MAX: i32 = 2;
const EPHEMERAL_FIRST: u32 = 49152; // RFC 6335 §6

const connections = new StaticArray<TcpConnection | null>(CONNECTIONS_MAX);
let connectionCount: i32 = 0;
const listeners = new StaticArray<TcpListener | null>(LISTENERS_MAX);
let listenerCount: i32 = 0;

/** At start only; false when the table is full. */
export function addConnection(connection: TcpConnection): bool {
  if (connectionCount == CONNECTIONS_MAX) return false;
  unchecked((connections[connectionCount++] = connection));
  return true;
}

/** At start only; false when the table is full. */
export function addListener(listener: TcpListener): bool {
  if (listenerCount == LISTENERS_MAX) return false;
  unchecked((listeners[listenerCount++] = listener));
  return true;
}

function find(address: u32, remotePort: u32, localPort: u32): TcpConnection | null {
  for (let i = 0; i < connectionCount; ++i) {
    const c = unchecked(connections[i])!;
    if (c.state == TcpState.Closed) continue;
    if (c.remoteAddress == address && c.remotePort == remotePort && c.localPort == localPort) return c;
  }
  return null;
}

/** Starts connecting; false while there is no entropy, or the port that was drawn is taken: try again. */
export function connect(connection: TcpConnection, address: u32, port: u32): bool {
  if (!hasRandom()) return false;
  const localPort = EPHEMERAL_FIRST + (random32() & 0x3fff);
  if (find(address, port, localPort)) return false;
  connection.connect(address, port, localPort, random32());
  return true;
}

/** `lengthBytes` at `p` after the IPv4 header at `ip` from `source`, for our own address. */
export function receiveTcp(ip: usize, p: usize, lengthBytes: u32, source: u32): void {
  if (!parseTcp(ip, p, lengthBytes) || segment.sourcePort == 0 || segment.destinationPort == 0) {
    return count(Counter.DroppedTcp);
  }
  const connection = find(source, segment.sourcePort, segment.destinationPort);
  if (connection) {
    connection.receive();
    return connection.acknowledge();
  }
  const flags = segment.flags;
  if ((flags & (Flag.Syn | Flag.Ack | Flag.Rst)) == Flag.Syn) {
    for (let i = 0; i < listenerCount; ++i) {
      const listener = unchecked(listeners[i])!;
      if (listener.port != segment.destinationPort) continue;
      const free = listener.takeConnection();
      // RFC 9293 lets a full backlog be silent: the peer tries again.
      if (free == null || !hasRandom()) return count(Counter.TcpRefused);
      return free.accept(source, random32());
    }
  }
  if ((flags & Flag.Rst) == 0) refuse(source);
}

/**
 * An ICMP error about a segment whose header begins at `p` (8 bytes of it are there), sent to `address`. `size`: of the
 * packet that was too big, 0 where something else is wrong with it; `nextHopMtu`: what the router says fits. False when
 * no connection has this segment on its way (RFC 5927 §4.1). */
export function receiveTcpError(address: u32, p: usize, size: u32, nextHopMtu: u32): bool {
  const connection = find(address, get16(p + Tcp.DestinationPort), get16(p + Tcp.SourcePort));
  return connection ? connection.receiveError(get32(p + Tcp.Sequence), size, nextHopMtu) : false;
}

/** RFC 9293 §3.10.7.1: a reset that the sender of the segment will believe. */
function refuse(source: u32): void {
  count(Counter.TcpRefused);
  const ip = beginPacket(source, Protocol.Tcp);
  if (ip == 0) return;
  const p = ip + Ipv4.HeaderBytes;
  const isAck = (segment.flags & Flag.Ack) != 0;
  memory.fill(p, 0, Tcp.HeaderBytes);
  put16(p + Tcp.SourcePort, segment.destinationPort);
  put16(p + Tcp.DestinationPort, segment.sourcePort);
  if (isAck) put32(p + Tcp.Sequence, segment.acknowledgement);
  else put32(p + Tcp.Acknowledgement, segment.sequence + sequenceBytes());
  store<u8>(p + Tcp.DataOffset, (Tcp.HeaderBytes << 2) as u8);
  store<u8>(p + Tcp.Flags, isAck ? <u8>Flag.Rst : <u8>(Flag.Rst | Flag.Ack));
  store<u16>(p + Tcp.Checksum, <u16>transportChecksum(ip, p, Tcp.HeaderBytes));
  sendPacket(ip, Tcp.HeaderBytes);
  count(Counter.TcpResetsSent);
}

export function pollTcp(): void {
  for (let i = 0; i < connectionCount; ++i) unchecked(connections[i])!.poll();
}

/** Our address is gone or another one: no connection of the old one can go on. */
export function abortAll(failure: i32): void {
  for (let i = 0; i < connectionCount; ++i) unchecked(connections[i])!.drop(failure);
}
