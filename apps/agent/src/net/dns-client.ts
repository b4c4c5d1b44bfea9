// DNS client: one query at a time for A records (RFC 1035), and a small cache that honours TTLs.
//
// An answer counts only when it comes from the server asked, to the port asked from, with the id and the question
// asked (RFC 5452): id and port are fresh random numbers for every try.

import { compareBytes } from "../compare";
import { Errno } from "../exokernel";
import { arm, due, soon, Ticks } from "./clock";
import { Counter, count } from "./counters";
import { beginDatagram, sendDatagram } from "./datagram";
import { hasRandom, random32 } from "./random";
import * as message from "./wire/dns";
import { Dns, encodeName, parseAnswer, writeQuery } from "./wire/dns";
import { isUnicast, parseAddress } from "./wire/ipv4";

// Cache entry:  deadline 0..4 (0: free) | address 4..8 (0: there is none) | name length 8..12 | name 12..268
const ENTRY_BYTES: usize = 268;
const ENTRIES: usize = 4;
const ADDRESS: usize = 4;
const LENGTH: usize = 8;
const NAME: usize = 12;

const RETRY_TICKS: u32 = Ticks.Second;
const GIVE_UP_TICKS: u32 = 15 * Ticks.Second;
/** While the server's MAC is being asked for. */
const UNSENT_TICKS: u32 = 16;
/** A failure is remembered so that everyone who waits for it hears of it, and not asked again at once. */
const FAILURE_TICKS: u32 = 2 * Ticks.Second;
const TTL_MIN_S: u32 = 1;
const TTL_MAX_S: u32 = 86400;

const cache: usize = memory.data(1072);
const cacheEnd: usize = cache + ENTRIES * ENTRY_BYTES;
const scratch: usize = memory.data(256);
const asked: usize = memory.data(256);
/** Length of the name being asked for, 0 when idle. */
let askedBytes: u32 = 0;
let tries: u32 = 0;
let retryAt: u32 = 0;
let giveUpAt: u32 = 0;
let id: u32 = 0;
let port: u32 = 0;
let server: u32 = 0;
let primary: u32 = 0;
let secondary: u32 = 0;

export function setNameServers(first: u32, second: u32): void {
  primary = isUnicast(first) ? first : 0;
  secondary = isUnicast(second) ? second : 0;
  if (primary == 0) primary = secondary;
}

/** Set when `lookup` returns 1. */
export let found: u32 = 0;

/** 1: `found` is the host's address. 0: not known yet, ask again. Errno.Argument: no such name can exist.
 * Errno.Absent: there is no such host, no server, or no answer. */
export function lookup(host: usize, hostBytes: u32): i32 {
  found = parseAddress(host, hostBytes);
  if (found != 0) return 1;
  const nameBytes = encodeName(host, hostBytes, scratch);
  if (nameBytes == 0) return Errno.Argument;
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    if (load<u32>(e, LENGTH) != nameBytes || compareBytes(e + NAME, scratch, nameBytes) != 0) continue;
    if (load<u32>(e) == 0) continue;
    found = load<u32>(e, ADDRESS);
    return found != 0 ? 1 : Errno.Absent;
  }
  if (askedBytes == 0) {
    if (primary == 0) return Errno.Absent;
    memory.copy(asked, scratch, nameBytes);
    askedBytes = nameBytes;
    tries = 0;
    retryAt = soon();
    giveUpAt = arm(GIVE_UP_TICKS);
    pollDns();
  }
  return 0;
}

export function pollDns(): void {
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) if (due(load<u32>(e))) store<u32>(e, 0);
  if (askedBytes == 0) return;
  if (due(giveUpAt)) return remember(0, FAILURE_TICKS);
  if (!due(retryAt)) return;
  if (!hasRandom()) {
    retryAt = arm(Ticks.Second >> 3);
    return;
  }
  server = (tries & 1) != 0 && secondary != 0 ? secondary : primary;
  const p = beginDatagram(server);
  if (p == 0) {
    retryAt = arm(UNSENT_TICKS);
    return;
  }
  const random = random32();
  id = random & 0xffff;
  port = 0xc000 | (random >>> 18);
  sendDatagram(port, Dns.Port, writeQuery(p, id, asked, askedBytes));
  retryAt = arm(RETRY_TICKS << tries++);
}

export function receiveDns(source: u32, destinationPort: u32, p: usize, lengthBytes: u32): void {
  if (askedBytes == 0 || tries == 0 || source != server || destinationPort != port) return count(Counter.DroppedDns);
  const result = parseAnswer(p, lengthBytes, id, asked, askedBytes);
  if (result < 0) return count(Counter.DroppedDns);
  if (result == 0 || !isUnicast(message.answerAddress)) return remember(0, FAILURE_TICKS);
  const seconds = min(max(message.answerSeconds, TTL_MIN_S), TTL_MAX_S);
  remember(message.answerAddress, seconds * Ticks.ShortSecond);
}

/** Ends the query: the entry nearest to its end gives way. */
function remember(address: u32, ticks: u32): void {
  let best = cache;
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    if (load<u32>(e) == 0) {
      best = e;
      break;
    }
    if (<i32>(load<u32>(e) - load<u32>(best)) < 0) best = e;
  }
  store<u32>(best, arm(ticks));
  store<u32>(best, address, ADDRESS);
  store<u32>(best, askedBytes, LENGTH);
  memory.copy(best + NAME, asked, askedBytes);
  askedBytes = 0;
}
