// The network as the rest of the device sees it: start it, poll it, open streams over it.
//
//   const network = new Network();            // once, at start; so are streams and listeners
//   const stream = new TcpStream();
//   network.start();
//   every step: network.poll() before and after the work that reads and writes streams
//
// The stack's state is one per module. Nothing is allocated after `start`; every wait inside has a deadline; a frame is
// worked on in time bounded by its length, and is dropped and counted when anything in it is not as it should be.

import { Errno, nicReceive, nicRelease } from "../exokernel";
import { announce, forgetNeighbours, pollNeighbours, receiveArp } from "./arp-cache";
import { readClock, sleepUs } from "./clock";
import { Counter, count, counter } from "./counters";
import { isBinding, pollDhcp, receiveDhcp, startDhcp, stopDhcp } from "./dhcp-client";
import { openDns, pollDns, receiveDns, setNameServers } from "./dns-client";
import { receiveIcmp } from "./icmp";
import { addRouter, address, configure, isBroadcast, mac, openLink, receivedFrame } from "./link";
import { pollPaths } from "./path-mtu";
import { abortAll, pollTcp, receiveTcp } from "./tcp";
import { pollStreams } from "./tcp-stream";
import { get16, get32 } from "../big-endian";
import { Dhcp } from "./wire/dhcp";
import { Dns } from "./wire/dns";
import { EtherType, Ethernet, isBroadcastMac, sameMac } from "./wire/ethernet";
import { Ipv4, Protocol, ipv4HeaderBytes, isFragment, isUnicast } from "./wire/ipv4";
import { Udp, udpBytes } from "./wire/udp";

export { Counter } from "./counters";
export { TcpListener } from "./tcp-listener";
export { TcpStream } from "./tcp-stream";

const FRAMES_PER_POLL: u32 = 32;

export class Network {
  /** A fault to be tested against: every received frame is dropped (and counted). */
  dropEverything: bool = false;
  private started: bool = false;
  private boundAddress: u32 = 0;

  /** Turns the NIC on and asks for an address by DHCP. 0; Errno.Absent where there is no NIC; Errno.Argument where
   * it is one we can't use. */
  start(): i32 {
    const result = this.open();
    if (result >= 0) startDhcp();
    return result;
  }

  /** Turns the NIC on with a fixed address instead (also later: then DHCP ends). Numbers are in host order; router
   * and DNS server may be 0. */
  configureStatic(newAddress: u32, mask: u32, router: u32, nameServer: u32): i32 {
    if (!isUnicast(newAddress)) return Errno.Argument;
    const result = this.open();
    if (result < 0) return result;
    stopDhcp();
    configure(newAddress, mask);
    addRouter(router);
    setNameServers(nameServer, 0, 0);
    forgetNeighbours();
    announce();
    return 0;
  }

  private open(): i32 {
    readClock();
    const result = openLink();
    this.started = result >= 0;
    if (this.started) openDns();
    return result;
  }

  /** Whether we have an address. */
  isUp(): bool {
    return address != 0;
  }

  /** Our address in host order, 0 while there is none. */
  address(): u32 {
    return address;
  }

  counter(which: Counter): u32 {
    return counter(which);
  }

  /** Handles received frames, timers and what is to be sent, all of it bounded. Returns microseconds until it wants
   * to run again; a received frame is a reason to call it earlier. */
  poll(): u32 {
    if (!this.started) return u32.MAX_VALUE;
    readClock();
    let budget = FRAMES_PER_POLL;
    for (; budget != 0; --budget) {
      const received = nicReceive();
      if (received < 0) break;
      this.receiveFrame(<u32>received >>> 16, <u32>received & 0xffff);
      nicRelease(<u32>received >>> 16);
    }
    pollNeighbours();
    pollDhcp();
    if (address != this.boundAddress) {
      if (this.boundAddress != 0) abortAll(Errno.Io);
      this.boundAddress = address;
    }
    pollDns();
    pollPaths();
    pollStreams();
    pollTcp();
    return budget == 0 ? 0 : sleepUs();
  }

  private receiveFrame(bufferIndex: u32, lengthBytes: u32): void {
    count(Counter.FramesIn);
    if (this.dropEverything) return count(Counter.DroppedByOrder);
    const frame = receivedFrame(bufferIndex, lengthBytes);
    if (frame == 0 || lengthBytes < <u32>Ethernet.Payload) return count(Counter.DroppedEthernet);
    const to = frame + Ethernet.Destination;
    const isToAll = isBroadcastMac(to);
    if (!isToAll && !sameMac(to, mac)) return count(Counter.DroppedNotForUs);
    const type = get16(frame + Ethernet.Type);
    const p = frame + Ethernet.Payload;
    const length = lengthBytes - <u32>Ethernet.Payload;
    if (type == EtherType.Ipv4) receivePacket(p, length, isToAll);
    else if (type == EtherType.Arp) receiveArp(frame, p, length);
    else count(Counter.DroppedProtocol);
  }
}

/** IPv4 (RFC 1122 §3.2.1): sound, whole, and for us. Options are skipped, fragments not put together. */
function receivePacket(ip: usize, lengthBytes: u32, isToAll: bool): void {
  const header = ipv4HeaderBytes(ip, lengthBytes);
  if (header == 0) return count(Counter.DroppedIpv4);
  if (isFragment(ip)) return count(Counter.DroppedFragment);
  const source = get32(ip + Ipv4.Source);
  const destination = get32(ip + Ipv4.Destination);
  const protocol: u32 = load<u8>(ip + Ipv4.Protocol);
  if (!isUnicast(source) || source == address || isBroadcast(source)) return count(Counter.DroppedIpv4);
  const isOurs = !isToAll && address != 0 && destination == address;
  const p = ip + header;
  const length = get16(ip + Ipv4.TotalLength) - header;
  // Before we have an address, a server may send to the one it is about to give us (RFC 2131 §4.1).
  if (protocol == Protocol.Udp && (isOurs || isBinding() || isBroadcast(destination)))
    return receiveDatagram(ip, p, length, source, isOurs);
  if (!isOurs) return count(Counter.DroppedNotForUs);
  if (protocol == Protocol.Tcp) receiveTcp(ip, p, length, source);
  else if (protocol == Protocol.Icmp) receiveIcmp(p, length, source);
  else count(Counter.DroppedProtocol);
}

function receiveDatagram(ip: usize, p: usize, lengthBytes: u32, source: u32, isOurs: bool): void {
  const length = udpBytes(ip, p, lengthBytes);
  if (length == 0) return count(Counter.DroppedUdp);
  const from = get16(p + Udp.SourcePort);
  const to = get16(p + Udp.DestinationPort);
  const data = p + Udp.HeaderBytes;
  const dataBytes = length - Udp.HeaderBytes;
  if (to == Dhcp.ClientPort && from == Dhcp.ServerPort) receiveDhcp(data, dataBytes);
  else if (isOurs && from == Dns.Port) receiveDns(source, to, data, dataBytes);
  else count(Counter.DroppedUdp);
}
