// Which MAC an address on the link has (RFC 826), and answers to those who ask for ours.
//
// An entry is learned only from what is ours to learn: the answer to a request that we have open, or a request for our
// own address. Neither replaces a binding that is still valid, so a forged packet can't take over a known neighbour; a
// neighbour with a new card is found again when its entry runs out.
//
// Another station that uses our address (RFC 5227) is told once that it is ours; when it goes on, DHCP hears of it.

import { arm, due, now, soon, Ticks } from "./clock";
import { Counter, count } from "./counters";
import { address, beginFrame, isBroadcast, isOnLink, mac, nextRouter, router, sendFrame } from "./link";
import { get16, get32 } from "../big-endian";
import { Arp, isArp, writeArp } from "./wire/arp";
import { EtherType, Ethernet, copyMac, isGroupMac, sameMac } from "./wire/ethernet";

// Entry, 16 bytes:  address 0..4 (0: free) | mac 4..10 | state 10 | requests 11 (unanswered)
//                   deadline 12..16 (of the answer, or the binding)
const ENTRY_BYTES: usize = 16;
const ENTRIES: usize = 8;
const MAC: usize = 4;
const STATE: usize = 10;
const REQUESTS: usize = 11;
const DEADLINE: usize = 12;
const ASKED: u8 = 0;
const VALID: u8 = 1;

const VALID_TICKS: u32 = 60 * Ticks.Second;
const RETRY_TICKS: u32 = Ticks.Second;
/** Unanswered by the router: another one's turn. */
const REQUESTS_MAX: u8 = 3;
/** RFC 5227 §1.1 */
const DEFEND_TICKS: u32 = 10 * Ticks.Second;

const cache: usize = memory.data(128);
const cacheEnd: usize = cache + ENTRIES * ENTRY_BYTES;
/** The address that we are about to take, 0 for none. */
let probed: u32 = 0;
let defendedAt: u32 = 0;
let isContested: bool = false;

function find(neighbour: u32): usize {
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) if (load<u32>(e) == neighbour) return e;
  return 0;
}

function isValid(e: usize): bool {
  return load<u8>(e, STATE) == VALID && !due(load<u32>(e, DEADLINE));
}

/** A free entry, else the one nearest to its end; the router's only gives way to itself. */
function take(neighbour: u32): usize {
  let best: usize = 0;
  let bestLeft: i32 = i32.MAX_VALUE;
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    const holder = load<u32>(e);
    if (holder == 0) {
      best = e;
      break;
    }
    const left = <i32>(load<u32>(e, DEADLINE) - now);
    if (left < bestLeft && holder != router) {
      best = e;
      bestLeft = left;
    }
  }
  store<u32>(best, neighbour);
  store<u16>(best, ASKED, STATE); // and no request yet
  store<u32>(best, soon(), DEADLINE);
  return best;
}

function learn(e: usize, senderMac: usize): void {
  copyMac(e + MAC, senderMac);
  store<u16>(e, VALID, STATE);
  store<u32>(e, arm(VALID_TICKS), DEADLINE);
}

/** Frees what ran out, so that no entry is still there when ticks have wrapped. */
export function pollNeighbours(): void {
  if (due(defendedAt)) defendedAt = 0;
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    if (load<u32>(e) != 0 && load<u8>(e, STATE) == VALID && due(load<u32>(e, DEADLINE))) store<u32>(e, 0);
  }
}

/** Where the neighbour's MAC is, or 0: then it is being asked for, once a second for as long as somebody wants it. */
export function macOf(neighbour: u32): usize {
  let e = find(neighbour);
  if (e == 0) e = take(neighbour);
  if (due(load<u32>(e, DEADLINE))) {
    store<u8>(e, ASKED, STATE);
    if (!sendArp(Arp.Request, 0, neighbour, address)) return 0;
    store<u32>(e, arm(RETRY_TICKS), DEADLINE);
    const requests = load<u8>(e, REQUESTS) + 1;
    store<u8>(e, requests > REQUESTS_MAX ? 0 : requests, REQUESTS);
    if (requests > REQUESTS_MAX && neighbour == router) nextRouter();
  }
  return load<u8>(e, STATE) == VALID ? e + MAC : 0;
}

/** `targetMac` 0: to all. */
function sendArp(operation: u32, targetMac: usize, target: u32, sender: u32): bool {
  const p = beginFrame(targetMac, EtherType.Arp);
  if (p == 0) return false;
  writeArp(p, operation, mac, sender, target);
  if (targetMac != 0) copyMac(p + Arp.TargetMac, targetMac);
  else memory.fill(p + Arp.TargetMac, 0, 6);
  sendFrame(Arp.Bytes);
  return true;
}

/** Tells the link who has our address now (RFC 5227 §2.3), once. */
export function announce(): void {
  sendArp(Arp.Request, 0, address, address);
}

/** Asks whether anybody has this address (RFC 5227 §2.1.1); from then on `takeConflict` says who does. 0 ends that. */
export function probe(candidate: u32): void {
  if (candidate != 0) sendArp(Arp.Request, 0, candidate, 0);
  probed = candidate;
}

/** Whether another station has the address that is probed, or insists on having ours. True once for each time. */
export function takeConflict(): bool {
  const was = isContested;
  isContested = false;
  return was;
}

export function forgetNeighbours(): void {
  memory.fill(cache, 0, ENTRIES * ENTRY_BYTES);
}

export function receiveArp(frame: usize, p: usize, lengthBytes: u32): void {
  const senderMac = p + Arp.SenderMac;
  if (!isArp(p, lengthBytes) || isGroupMac(senderMac) || !sameMac(senderMac, frame + Ethernet.Source)) {
    count(Counter.DroppedArp);
    return;
  }
  const sender = get32(p + Arp.SenderAddress);
  const target = get32(p + Arp.TargetAddress);
  const isRequest = get16(p + Arp.Operation) == Arp.Request;
  if (!sameMac(senderMac, mac)) noticeConflict(sender, sender == 0 && isRequest ? target : 0);
  const isForUs = address != 0 && target == address;
  if (!isForUs || sender == 0 || sender == address || !(isOnLink(sender) || sender == router) || isBroadcast(sender)) {
    // RFC 5227 probes (sender 0) are answered so that nobody takes our address.
    if (isForUs && sender == 0 && isRequest) sendArp(Arp.Reply, senderMac, 0, address);
    else count(Counter.DroppedArp);
    return;
  }
  let e = find(sender);
  if (isRequest) {
    if (e == 0) e = take(sender);
    if (!isValid(e)) learn(e, senderMac);
    sendArp(Arp.Reply, senderMac, sender, address);
  } else if (e != 0 && !isValid(e) && sameMac(frame + Ethernet.Destination, mac)) learn(e, senderMac);
  else count(Counter.DroppedArp);
}

/** Of another station: it has the address `holder` (0: none), or is about to take `wanted` (0: none). */
function noticeConflict(holder: u32, wanted: u32): void {
  if (probed != 0 && (holder == probed || wanted == probed)) isContested = true;
  else if (address != 0 && holder == address) {
    // RFC 5227 §2.4 (b): the first time it is told, in ten seconds the second time we give way.
    if (defendedAt != 0) isContested = true;
    else {
      defendedAt = arm(DEFEND_TICKS);
      announce();
    }
  } else return;
  count(Counter.AddressConflicts);
}
