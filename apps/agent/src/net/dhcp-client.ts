// DHCP client (RFC 2131 §4.4), with the check that nobody else has the address (RFC 5227).
//
//   Off ── start ──► Selecting ── offer ──► Requesting ── ack ──► Probing ── nobody ──► Bound ── T1 ──► Renewing
//                      ▲   ▲                    │ nak, no answer     │ conflict        ▲ │ ▲              │ T2
//                      │   ├────────────────────┘                    │ (declined)      │ │ └── ack ── Rebinding
//                      │   ├─────────────────────────────────────────┘                 │ │                │
//                      │   ├─── nak, lease over, conflict ───────────────────────────────┴────────────────┘
//                      │   │ nak                                                       │ │ no contact for minutes
//                      │   └──────────────────────────────────────── Rebooting ◄─────────┘
//                      └────────── no answer (the address is kept) ──────┘ └── ack ────┘
//
// An address is ours from the probe to the end of the lease, never longer; what used it is told by the address
// changing. A machine that was carried to another network finds out by Rebooting: it asks everybody whether its address
// is right. Where nobody says so it looks for another one, and keeps the old one meanwhile: perhaps only a server is
// down.

import { announce, forgetNeighbours, probe, takeConflict } from "./arp-cache";
import { arm, due, now, soon, Ticks } from "./clock";
import { isContactBack, takeDoubt } from "./contact";
import { Counter, count } from "./counters";
import { beginDatagram, sendDatagram } from "./datagram";
import { setNameServers } from "./dns-client";
import { addRouter, address, configure, limitMtu, mac } from "./link";
import { hasRandom, jitter, random32 } from "./random";
import { put32 } from "../big-endian";
import * as message from "./wire/dhcp";
import { Dhcp, parseDhcp, writeDhcp } from "./wire/dhcp";
import { Ipv4, isUnicast } from "./wire/ipv4";
import { Udp } from "./wire/udp";

/** Up to Rebooting servers are asked for an address; from Bound on there is one that nothing speaks against. */
const enum State {
  Off,
  Selecting,
  Requesting,
  Probing,
  Rebooting,
  Bound,
  Renewing,
  Rebinding,
}

/** RFC 2131 §4.1: 4 s, doubled up to 64 s, each ±1 s. */
const RETRY_FIRST_S: u32 = 4;
const RETRY_LONGEST_S: u32 = 64;
const REQUESTS_MAX: u32 = 4;
/** RFC 2131 §4.4.5 */
const RENEW_RETRY_MIN_S: u32 = 60;
const LEASE_INFINITE: u32 = 0xffffffff;
/** Longer leases are given back early: ticks wrap. */
const LEASE_MAX_S: u32 = 20 * 86400;
/** As dhcpcd has it: a server that lends for a second would have us ask without end. */
const LEASE_MIN_S: u32 = 20;
/** After a nak, so that a server that refuses everything is not flooded. */
const NAK_PAUSE_S: u32 = 10;
/** RFC 2131 §3.1 (5), RFC 5227 §2.1.1: after a conflict, and after many of them. */
const CONFLICT_PAUSE_S: u32 = 10;
const CONFLICTS_PAUSE_S: u32 = 60;
const CONFLICTS_MAX: u32 = 10;
/** RFC 5227 §2.1.1, with half a second in all for its 5 to 7: for a device that waits for a network, and a link whose
 * stations answer within milliseconds. A conflict that shows later is dealt with, too. */
const PROBES: u32 = 3;
const PROBE_TICKS: u32 = Ticks.Second / 6;

let state: State = State.Off;
let xid: u32 = 0;
let startedAt: u32 = 0;
let secs: u32 = 0;
let flags: u32 = 0;
let retryS: u32 = 0;
/** Messages or probes sent in this state. */
let tries: u32 = 0;
let retryAt: u32 = 0;
let renewAt: u32 = 0;
let rebindAt: u32 = 0;
let expireAt: u32 = 0;
let offered: u32 = 0;
let server: u32 = 0;
let conflicts: u32 = 0;

/** ±1 s around the given seconds. */
function jittered(seconds: u32): u32 {
  return arm((seconds - 1) * Ticks.Second + jitter(11));
}

/** Goes to a state in which servers are asked, `after` ticks from now. */
function enter(next: State, after: u32): void {
  state = next;
  retryS = RETRY_FIRST_S;
  tries = 0;
  retryAt = after == 0 ? soon() : arm(after);
}

/** A new exchange of messages: with a transaction id of its own (0: to be drawn), and its own time. */
function begin(next: State, after: u32): void {
  enter(next, after);
  xid = 0;
  flags = 0;
  startedAt = now;
}

export function startDhcp(): void {
  // RFC 2131 §4.4.1: wait a little, or a whole building asks in the same instant after a power cut.
  begin(State.Selecting, jitter(9) + 1);
}

export function stopDhcp(): void {
  state = State.Off;
  probe(0);
}

/** Whether servers may send to an address that is not ours yet (RFC 2131 §4.1). */
export function isBinding(): bool {
  return state != State.Off && state < State.Bound;
}

function send(type: u32, destination: u32, ciaddr: u32, wanted: u32, serverId: u32): bool {
  const p = beginDatagram(destination);
  if (p == 0) return false;
  // RFC 2131 §3.1 (3): a request says the same as the discover before it.
  if (state != State.Requesting) secs = min((now - startedAt) / Ticks.Second, 0xffff);
  // RFC 2131 §4.1: without an address that stands, from nobody.
  put32(p - Udp.HeaderBytes - Ipv4.HeaderBytes + Ipv4.Source, ciaddr);
  sendDatagram(Dhcp.ClientPort, Dhcp.ServerPort, writeDhcp(p, type, xid, secs, flags, mac, ciaddr, wanted, serverId));
  return true;
}

/** Without an address from now on. */
function startOver(pauseS: u32): void {
  if (address != 0) {
    configure(0, 0);
    forgetNeighbours();
  }
  probe(0);
  renewAt = rebindAt = expireAt = 0;
  startDhcp();
  if (pauseS != 0) retryAt = jittered(pauseS);
}

/** Half of what is left until `deadline`, at least a minute (RFC 2131 §4.4.5). */
function renewRetry(deadline: u32): u32 {
  return arm(max<u32>((deadline - now) >>> 1, RENEW_RETRY_MIN_S * Ticks.Second));
}

export function pollDhcp(): void {
  if (state == State.Off) return;
  if (takeConflict()) decline();
  if (due(expireAt)) startOver(0);
  const isDoubted = takeDoubt();
  if (state >= State.Bound) {
    const isRebindDue = due(rebindAt);
    if (isDoubted) begin(State.Rebooting, 0);
    else if (isRebindDue) {
      rebindAt = 0;
      begin(State.Rebinding, 0);
    } else if (due(renewAt)) {
      renewAt = 0;
      begin(State.Renewing, 0);
    }
  } else if (address != 0 && (state == State.Rebooting || state == State.Selecting) && isContactBack()) {
    state = State.Bound;
    retryAt = 0;
  }
  if (!due(retryAt)) return;
  if (state == State.Probing) {
    if (tries++ == PROBES) return bind();
    probe(offered);
    retryAt = arm(PROBE_TICKS);
    return;
  }
  if (xid == 0) {
    if (!hasRandom()) {
      retryAt = arm(Ticks.Second >> 3);
      return;
    }
    xid = random32() | 1;
  }
  if (state == State.Selecting) {
    // RFC 1542 §3.1.1: every other time as if we could take broadcasts only, for networks that fail otherwise.
    flags = (tries & 1) != 0 ? Dhcp.BroadcastFlag : 0;
    if (send(Dhcp.Discover, Ipv4.Broadcast, 0, 0, 0)) backOff();
  } else if (state == State.Requesting) {
    if (tries == REQUESTS_MAX) startDhcp();
    else if (send(Dhcp.Request, Ipv4.Broadcast, 0, offered, server)) backOff();
  } else if (state == State.Rebooting) {
    // RFC 2131 §4.3.2, INIT-REBOOT: any server of this network says whether the address is right here.
    if (tries == REQUESTS_MAX) startDhcp();
    else if (send(Dhcp.Request, Ipv4.Broadcast, 0, address, 0)) backOff();
  } else if (state == State.Renewing) {
    if (send(Dhcp.Request, server, address, 0, 0)) retryAt = renewRetry(rebindAt);
  } else if (state == State.Rebinding) {
    if (send(Dhcp.Request, Ipv4.Broadcast, address, 0, 0)) retryAt = renewRetry(expireAt);
  }
}

function backOff(): void {
  ++tries;
  retryAt = jittered(retryS);
  if (retryS < RETRY_LONGEST_S) retryS <<= 1;
}

/** Another station has the address: the server is told, and asked for another one after a while. */
function decline(): void {
  const isProbing = state == State.Probing;
  if (!isProbing && address == 0) return;
  send(Dhcp.Decline, Ipv4.Broadcast, 0, isProbing ? offered : address, server);
  startOver(++conflicts > CONFLICTS_MAX ? CONFLICTS_PAUSE_S : CONFLICT_PAUSE_S);
}

export function receiveDhcp(p: usize, lengthBytes: u32): void {
  // While it is probed, what the acknowledgement said is still needed.
  if (
    state == State.Off ||
    state == State.Probing ||
    state == State.Bound ||
    xid == 0 ||
    !parseDhcp(p, lengthBytes, xid, mac)
  ) {
    count(Counter.DroppedDhcp);
    return;
  }
  const type = message.messageType;
  const isServers = message.serverId == server;
  if (type == Dhcp.Offer && state == State.Selecting && isUnicast(message.serverId) && isHost(message.yourAddress)) {
    offered = message.yourAddress;
    server = message.serverId;
    enter(State.Requesting, 0);
  } else if (
    type == Dhcp.Nak &&
    state >= State.Requesting &&
    (isServers || state == State.Rebinding || state == State.Rebooting)
  ) {
    if (state == State.Rebooting) startOver(0);
    else if (state != State.Requesting) startOver(NAK_PAUSE_S);
    else begin(State.Selecting, NAK_PAUSE_S * Ticks.Second);
  } else if (type != Dhcp.Ack || state < State.Requesting || !accept(isServers)) count(Counter.DroppedDhcp);
}

/** The network's mask; what the class of the address says where the message names none, or one that can be none. */
function maskFor(given: u32): u32 {
  const mask = message.subnetMask;
  const hosts = ~mask;
  if (mask != 0 && (hosts & (hosts + 1)) == 0) return mask;
  return <i32>given >= 0 ? 0xff000000 : given < 0xc0000000 ? 0xffff0000 : 0xffffff00;
}

/**
 * Whether a station can have the address: not link-local (RFC 3927), not all of the network, nor the network itself.
 */
function isHost(given: u32): bool {
  const hosts = ~maskFor(given);
  const host = given & hosts;
  return isUnicast(given) && given >>> 16 != 0xa9fe && (hosts < 2 || (host != 0 && host != hosts));
}

/** Takes what the acknowledgement says; false when it can't be used. */
function accept(isServers: bool): bool {
  const seconds = message.leaseSeconds;
  const given = message.yourAddress;
  if (seconds == 0 || given != (state == State.Requesting ? offered : address) || !isHost(given)) return false;
  if (!isServers && (state == State.Requesting || state == State.Renewing)) return false;
  if (isUnicast(message.serverId)) server = message.serverId;
  if (seconds == LEASE_INFINITE) renewAt = rebindAt = expireAt = 0;
  else {
    const lease = min(max(seconds, LEASE_MIN_S), LEASE_MAX_S);
    let t1 = message.t1Seconds;
    let t2 = message.t2Seconds;
    if (t2 < LEASE_MIN_S / 2 || t2 >= lease) t2 = lease - (lease >>> 3);
    if (t1 < LEASE_MIN_S / 2 || t1 >= t2) t1 = min(lease >>> 1, t2);
    renewAt = arm(t1 * Ticks.ShortSecond);
    rebindAt = arm(t2 * Ticks.ShortSecond);
    expireAt = arm(lease * Ticks.ShortSecond);
  }
  offered = given;
  if (given != address) enter(State.Probing, 0);
  else {
    conflicts = 0;
    bind();
  }
  return true;
}

function bind(): void {
  // After Rebooting it may be another network, where the same address is right.
  const isNew = offered != address || state == State.Rebooting;
  state = State.Bound;
  retryAt = 0;
  probe(0);
  limitMtu(message.interfaceMtu);
  configure(offered, maskFor(offered));
  for (let i: u32 = 0; i < Dhcp.RoutersMax; ++i) addRouter(load<u32>(message.routers + (i << 2)));
  setNameServers(load<u32>(message.nameServers), load<u32>(message.nameServers, 4), load<u32>(message.nameServers, 8));
  if (isNew) {
    forgetNeighbours();
    announce();
  }
}
