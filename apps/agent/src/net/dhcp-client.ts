// DHCP client (RFC 2131 §4.4).
//
//   Off ── start ──► Selecting ── offer ──► Requesting ── ack ──► Bound ── T1 ──► Renewing ── T2 ──► Rebinding
//                        ▲                      │ nak, no answer    ▲                 │ ack             │ ack
//                        ├──────────────────────┘                   └─────────────────┴─────────────────┘
//                        └────────────────────────── nak, lease over ────────────────────────────────────
//
// An address is ours from ack to the end of the lease, never longer; what used it is told by the address changing.

import { announce, forgetNeighbours } from "./arp-cache";
import { arm, due, now, soon, Ticks } from "./clock";
import { Counter, count } from "./counters";
import { beginDatagram, sendDatagram } from "./datagram";
import { setNameServers } from "./dns-client";
import { address, configure, mac } from "./link";
import { hasRandom, jitter, random32 } from "./random";
import * as message from "./wire/dhcp";
import { Dhcp, parseDhcp, writeDhcp } from "./wire/dhcp";
import { Ipv4, isUnicast } from "./wire/ipv4";

const enum State {
  Off,
  Selecting,
  Requesting,
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
/** Longer leases are given back early: ticks wrap. */
const LEASE_MAX_S: u32 = 20 * 86400;
/** After a nak, so that a server that refuses everything is not flooded. */
const NAK_PAUSE_S: u32 = 10;

let state: State = State.Off;
let xid: u32 = 0;
let startedAt: u32 = 0;
let retryS: u32 = 0;
let requests: u32 = 0;
let retryAt: u32 = 0;
let renewAt: u32 = 0;
let rebindAt: u32 = 0;
let expireAt: u32 = 0;
let offered: u32 = 0;
let server: u32 = 0;

/** ±1 s around the given seconds. */
function jittered(seconds: u32): u32 {
  return arm((seconds - 1) * Ticks.Second + jitter(11));
}

export function startDhcp(): void {
  state = State.Selecting;
  xid = 0;
  startedAt = now;
  retryS = RETRY_FIRST_S;
  requests = 0;
  renewAt = rebindAt = expireAt = 0;
  // RFC 2131 §4.4.1: wait a little, or a whole building asks in the same instant after a power cut.
  retryAt = arm(jitter(9) + 1);
}

export function stopDhcp(): void {
  state = State.Off;
}

export function isBinding(): bool {
  return state != State.Off && address == 0;
}

function send(type: u32, destination: u32, ciaddr: u32, wanted: u32, serverId: u32): bool {
  const p = beginDatagram(destination);
  if (p == 0) return false;
  const secs = (now - startedAt) / Ticks.Second;
  sendDatagram(Dhcp.ClientPort, Dhcp.ServerPort, writeDhcp(p, type, xid, secs, mac, ciaddr, wanted, serverId));
  return true;
}

function startOver(pauseS: u32): void {
  if (address != 0) {
    configure(0, 0, 0);
    forgetNeighbours();
  }
  startDhcp();
  if (pauseS != 0) retryAt = jittered(pauseS);
}

/** Half of what is left until `deadline`, at least a minute (RFC 2131 §4.4.5). */
function renewRetry(deadline: u32): u32 {
  return arm(max<u32>((deadline - now) >>> 1, RENEW_RETRY_MIN_S * Ticks.Second));
}

export function pollDhcp(): void {
  if (state == State.Off) return;
  if (due(expireAt)) startOver(0);
  if (due(rebindAt)) {
    rebindAt = 0;
    state = State.Rebinding;
    retryAt = soon();
  } else if (due(renewAt)) {
    renewAt = 0;
    state = State.Renewing;
    startedAt = now;
    retryAt = soon();
    if (hasRandom()) xid = random32();
  }
  if (!due(retryAt)) return;
  if (state == State.Selecting) {
    if (xid == 0) {
      if (!hasRandom()) {
        retryAt = arm(Ticks.Second >> 3);
        return;
      }
      xid = random32() | 1;
    }
    if (send(Dhcp.Discover, Ipv4.Broadcast, 0, 0, 0)) backOff();
  } else if (state == State.Requesting) {
    if (requests++ == REQUESTS_MAX) startOver(0);
    else if (send(Dhcp.Request, Ipv4.Broadcast, 0, offered, server)) backOff();
  } else if (state == State.Renewing) {
    if (send(Dhcp.Request, server, address, 0, 0)) retryAt = renewRetry(rebindAt);
  } else if (state == State.Rebinding) {
    if (send(Dhcp.Request, Ipv4.Broadcast, address, 0, 0)) retryAt = renewRetry(expireAt);
  }
}

function backOff(): void {
  retryAt = jittered(retryS);
  if (retryS < RETRY_LONGEST_S) retryS <<= 1;
}

export function receiveDhcp(p: usize, lengthBytes: u32): void {
  if (state == State.Off || state == State.Bound || xid == 0 || !parseDhcp(p, lengthBytes, xid, mac)) {
    count(Counter.DroppedDhcp);
    return;
  }
  const type = message.messageType;
  if (type == Dhcp.Offer && state == State.Selecting && message.serverId != 0 && isUnicast(message.yourAddress)) {
    offered = message.yourAddress;
    server = message.serverId;
    state = State.Requesting;
    retryS = RETRY_FIRST_S;
    requests = 0;
    retryAt = soon();
  } else if (type == Dhcp.Nak && state >= State.Requesting && (state == State.Rebinding || message.serverId == server)) {
    startOver(NAK_PAUSE_S);
  } else if (type != Dhcp.Ack || state < State.Requesting || !bind()) count(Counter.DroppedDhcp);
}

/** Takes what the acknowledgement says; false when it can't be used. */
function bind(): bool {
  const lease = min(message.leaseSeconds, LEASE_MAX_S);
  const given = message.yourAddress;
  if (lease == 0 || !isUnicast(given)) return false;
  if (state == State.Requesting ? given != offered || message.serverId != server : state == State.Renewing && message.serverId != server) return false;
  let mask = message.subnetMask;
  const hosts = ~mask;
  if (mask == 0 || (hosts & (hosts + 1)) != 0) mask = 0xffffff00;
  let gateway = message.gateway;
  if (((gateway ^ given) & mask) != 0 || !isUnicast(gateway) || gateway == given) gateway = 0;
  if (message.serverId != 0) server = message.serverId;
  let t1 = message.t1Seconds;
  let t2 = message.t2Seconds;
  if (t2 == 0 || t2 >= lease) t2 = lease - (lease >>> 3);
  if (t1 == 0 || t1 >= t2) t1 = min(lease >>> 1, t2);
  renewAt = arm(t1 * Ticks.ShortSecond);
  rebindAt = arm(t2 * Ticks.ShortSecond);
  expireAt = arm(lease * Ticks.ShortSecond);
  retryAt = 0;
  const isNew = given != address;
  state = State.Bound;
  configure(given, mask, gateway);
  setNameServers(message.nameServer, message.secondNameServer);
  if (isNew) {
    forgetNeighbours();
    announce();
  }
  return true;
}
