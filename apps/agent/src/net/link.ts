// The NIC, its DMA window, our addresses, and IPv4 packets on their way out. One of each in a module.
//
// The window lies in our own memory: received frames are read in place, frames to send are written in place. A transmit
// buffer that was acquired and then not sent is kept for the next frame: the NIC has no way to give one back.

import { Errno, NIC_FRAME_OFFSET, nicAcquire, nicGrant, nicInfo, nicTransmit } from "../exokernel";
import { macOf } from "./arp-cache";
import { arm } from "./clock";
import { Counter, count } from "./counters";
import { put16, put32 } from "../big-endian";
import { fold, sum } from "./wire/checksum";
import { EtherType, Ethernet, copyMac } from "./wire/ethernet";
import { Ipv4, isUnicast } from "./wire/ipv4";

const INFO_BYTES: usize = 20;
const TIME_TO_LIVE: u8 = 64;
const MTU_MIN: u32 = 576; // RFC 791: what every host must take
const MTU_MAX: u32 = 1500; // RFC 894

export const mac: usize = memory.data(8);
const broadcastMac: usize = memory.data<u8>([255, 255, 255, 255, 255, 255]);

let window: usize = 0;
let receiveBuffers: u32 = 0;
let transmitBuffers: u32 = 0;
let bufferBytes: u32 = 0;
/** Index of the transmit buffer in hand, or -1. */
let held: i32 = -1;
let identification: u32 = 0;

/** Largest IP packet in bytes. */
export let mtu: u32 = 0;
let mtuOfCard: u32 = 0;
/** Our address, 0 while there is none; the network's mask; the router in use, 0 where there is none. A router need not
 * be in the network that the mask tells: it is on the link all the same. */
export let address: u32 = 0;
export let mask: u32 = 0;
export let router: u32 = 0;

const ROUTERS: u32 = 4;
const routers: usize = memory.data(16);
let routerCount: u32 = 0;
let routerTurn: u32 = 0;

export function configure(newAddress: u32, newMask: u32): void {
  address = newAddress;
  mask = newMask;
  router = 0;
  routerCount = 0;
  routerTurn = 0;
}

/** In order of preference; those that can be none are left out. */
export function addRouter(candidate: u32): void {
  if (routerCount == ROUTERS || !isUnicast(candidate) || candidate == address || isBroadcast(candidate)) return;
  store<u32>(routers + (routerCount++ << 2), candidate);
  if (router == 0) router = candidate;
}

/** The router in use does not answer, or nobody behind it does: the next one's turn. */
export function nextRouter(): void {
  if (routerCount == 0) return;
  if (++routerTurn >= routerCount) routerTurn = 0;
  router = load<u32>(routers + (routerTurn << 2));
}

/** What the network says that its link takes, where that can be. */
export function limitMtu(limit: u32): void {
  mtu = limit >= MTU_MIN && limit < mtuOfCard ? limit : mtuOfCard;
}

/** Allocates and grants the DMA window. Once; later calls change nothing. */
export function openLink(): i32 {
  if (window != 0) return 0;
  const info = heap.alloc(INFO_BYTES);
  let result = nicInfo(info);
  if (result < 0) return result;
  copyMac(mac, info);
  receiveBuffers = load<u32>(info + 8);
  transmitBuffers = load<u32>(info + 12);
  bufferBytes = load<u32>(info + 16);
  mtu = mtuOfCard = min<u32>(load<u16>(info + 6), MTU_MAX);
  const overhead = NIC_FRAME_OFFSET + <u32>Ethernet.Payload;
  if (receiveBuffers == 0 || transmitBuffers == 0 || receiveBuffers + transmitBuffers > 1024) return Errno.Argument;
  if (mtu < MTU_MIN || bufferBytes < mtu + overhead || bufferBytes > 65536) return Errno.Argument;
  const length = (receiveBuffers + transmitBuffers) * bufferBytes;
  const start = (heap.alloc(length + 15) + 15) & ~15;
  result = nicGrant(start, length);
  if (result >= 0) window = start;
  return result;
}

/** Where the received frame lies, or 0 when index or length can't be: they come from a device. */
export function receivedFrame(bufferIndex: u32, lengthBytes: u32): usize {
  if (bufferIndex >= receiveBuffers || lengthBytes > bufferBytes - NIC_FRAME_OFFSET) return 0;
  return window + bufferIndex * bufferBytes + NIC_FRAME_OFFSET;
}

/** A frame to write into, or 0 when the NIC has none free now. */
function frame(): usize {
  if (held < 0) {
    held = nicAcquire();
    if (<u32>held >= transmitBuffers) {
      held = -1;
      count(Counter.TransmitBusy);
      arm(1);
      return 0;
    }
  }
  return window + (receiveBuffers + <u32>held) * bufferBytes + NIC_FRAME_OFFSET;
}

/** Starts a frame of the given type to a station (0: to all); where its payload goes, or 0. */
export function beginFrame(destinationMac: usize, type: u32): usize {
  const p = frame();
  if (p == 0) return 0;
  copyMac(p + Ethernet.Destination, destinationMac == 0 ? broadcastMac : destinationMac);
  copyMac(p + Ethernet.Source, mac);
  put16(p + Ethernet.Type, type);
  return p + Ethernet.Payload;
}

/** Sends the frame that was begun last. */
export function sendFrame(payloadBytes: u32): void {
  if (nicTransmit(held, <u32>Ethernet.Payload + payloadBytes) >= 0) count(Counter.FramesOut);
  held = -1;
}

export function isOnLink(destination: u32): bool {
  return ((destination ^ address) & mask) == 0;
}

export function isBroadcast(destination: u32): bool {
  if (destination == Ipv4.Broadcast) return true;
  // RFC 3021: a network of one or two addresses has none for all.
  return address != 0 && mask < 0xfffffffe && isOnLink(destination) && (destination | mask) == Ipv4.Broadcast;
}

/** Starts a packet; where its header (20 bytes, no options) lies, or 0 when it can't go now: no buffer, no route, or
 * the next hop's MAC is being asked for (the answer wakes us). */
export function beginPacket(destination: u32, protocol: u32): usize {
  let to: usize = 0;
  if (destination != Ipv4.Broadcast) {
    const hop = isOnLink(destination) ? destination : router;
    if (hop == 0 || hop == address || address == 0) return 0;
    to = macOf(hop);
    if (to == 0) return 0;
  }
  const p = beginFrame(to, EtherType.Ipv4);
  if (p == 0) return 0;
  store<u16>(p, 0x0045); // version 4, five words, ordinary service
  put16(p + Ipv4.Fragment, Ipv4.DontFragment);
  store<u8>(p + Ipv4.TimeToLive, TIME_TO_LIVE);
  store<u8>(p + Ipv4.Protocol, <u8>protocol);
  store<u16>(p + Ipv4.Checksum, 0);
  put32(p + Ipv4.Source, address);
  put32(p + Ipv4.Destination, destination);
  return p;
}

/** Sends the packet that `beginPacket` gave. */
export function sendPacket(p: usize, payloadBytes: u32): void {
  const total = Ipv4.HeaderBytes + payloadBytes;
  put16(p + Ipv4.TotalLength, total);
  put16(p + Ipv4.Identification, ++identification);
  store<u16>(p + Ipv4.Checksum, <u16>fold(sum(p, Ipv4.HeaderBytes, 0)));
  sendFrame(total);
}
