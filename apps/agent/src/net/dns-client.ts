// DNS client, a stub resolver: one query at a time for A records (RFC 1035), and a small cache that honours TTLs.
//
// An answer counts only when it comes from the server asked, to the port asked from, with the id and the question
// asked (RFC 5452): id and port are fresh random numbers for every try. A server that is silent, or says that it can't
// or won't, gives way to the next one; the one that answered last is asked first. What is cut short and holds no
// address is asked for again over TCP (RFC 7766). docs/network.md compares all of it with other resolvers.

import { compareBytes } from "../compare";
import { Errno } from "../exokernel";
import { arm, due, soon, Ticks } from "./clock";
import { Counter, count } from "./counters";
import { beginDatagram, sendDatagram } from "./datagram";
import { address } from "./link";
import { hasRandom, random32 } from "./random";
import { addConnection, connect } from "./tcp";
import { TcpConnection, TcpState } from "./tcp-connection";
import { get16, put16 } from "../big-endian";
import * as message from "./wire/dns";
import { Answer, Dns, encodeName, nameBytesOf, parseAnswer, writeQuery } from "./wire/dns";
import { isUnicast, parseAddress } from "./wire/ipv4";

// Cache entry:  deadline 0..4 (0: free) | name length 4..8 | addresses 8..12 (0: there is none) | which is in use
// 12..16
//               addresses 16..48 | name 48..304
const ENTRY_BYTES: usize = 304;
const ENTRIES: usize = 4;
const LENGTH: usize = 4;
const COUNT: usize = 8;
const TURN: usize = 12;
const ADDRESSES: usize = 16;
const NAME: usize = 48;

/** Doubled when every server has been asked. */
const RETRY_TICKS: u32 = Ticks.Second;
const GIVE_UP_TICKS: u32 = 15 * Ticks.Second;
/** While the server's MAC is being asked for. */
const UNSENT_TICKS: u32 = 16;
/** A failure is remembered so that everyone who waits for it hears of it, and not asked again at once. */
const FAILURE_TICKS: u32 = 2 * Ticks.Second;
const TCP_TICKS: u32 = 4 * Ticks.Second;
const TTL_MIN_S: u32 = 1;
const TTL_MAX_S: u32 = 3600;
/** That there is nothing (RFC 2308); short, for it may be mended while a device waits. */
const NOTHING_MAX_S: u32 = 60;
const ALIASES_MAX: u32 = 8;
const SERVERS: u32 = 3;
/** Of an answer over TCP what goes in here is looked at. */
const MESSAGE_BYTES: u32 = 2048;

const cache: usize = memory.data(1216);
const cacheEnd: usize = cache + ENTRIES * ENTRY_BYTES;
const scratch: usize = memory.data(256);
/** The name that is looked up, its key in the cache. */
const asked: usize = memory.data(256);
/** The name in the query: `asked`, or what it is an alias of. */
const question: usize = memory.data(256);
/** Length of the name looked up, 0 when idle. */
let askedBytes: u32 = 0;
let questionBytes: u32 = 0;
let aliases: u32 = 0;
let isAwaiting: bool = false;
let retryAt: u32 = 0;
/** While the query can't be sent: when that counts as silence. */
let silentAt: u32 = 0;
let giveUpAt: u32 = 0;
let id: u32 = 0;
let port: u32 = 0;

const servers: usize = memory.data(12);
let serverCount: u32 = 0;
let turn: u32 = 0;
let askedInRound: u32 = 0;
let round: u32 = 0;

let tcp: TcpConnection | null = null;
let received: usize = 0;
let receivedBytes: u32 = 0;
/** 0 while the question is asked by UDP. */
let tcpAt: u32 = 0;
let isTcpOpen: bool = false;
let isTcpAsked: bool = false;

/** Once, at start. */
export function openDns(): void {
  if (tcp) return;
  const connection = new TcpConnection(1024, 512);
  received = heap.alloc(MESSAGE_BYTES);
  if (!addConnection(connection)) unreachable();
  tcp = connection;
}

function serverAt(i: u32): u32 {
  return load<u32>(servers + (i << 2));
}

/** Up to three, 0 for none. What others said is forgotten: names may mean something else here. */
export function setNameServers(first: u32, second: u32, third: u32): void {
  const before = serverCount != 0 ? serverAt(turn) : 0;
  serverCount = 0;
  turn = SERVERS;
  addServer(first, before);
  addServer(second, before);
  addServer(third, before);
  if (turn < SERVERS) return;
  turn = 0;
  askedBytes = 0;
  closeTcp();
  memory.fill(cache, 0, ENTRIES * ENTRY_BYTES);
}

function addServer(server: u32, inUse: u32): void {
  if (!isUnicast(server) || server == address) return;
  if (server == inUse && turn == SERVERS) turn = serverCount;
  store<u32>(servers + (serverCount++ << 2), server);
}

/** Set when `lookup` returns 1: the address, and whether the name has another one to try after it. */
export let found: u32 = 0;
export let hasOther: bool = false;

/** 1: `found` is the host's address. 0: not known yet, ask again. Errno.Argument: no such name can exist.
 * Errno.Absent: there is no such host, no server, or no answer. */
export function lookup(host: usize, hostBytes: u32): i32 {
  hasOther = false;
  found = parseAddress(host, hostBytes);
  if (found != 0) return 1;
  const nameBytes = encodeName(host, hostBytes, scratch);
  if (nameBytes == 0) return Errno.Argument;
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    if (load<u32>(e, LENGTH) != nameBytes || compareBytes(e + NAME, scratch, nameBytes) != 0) continue;
    if (load<u32>(e) == 0) continue;
    const left = load<u32>(e, COUNT) - load<u32>(e, TURN);
    if (left == 0) return Errno.Absent;
    found = addressIn(e);
    hasOther = left > 1;
    return 1;
  }
  if (askedBytes == 0) {
    if (serverCount == 0) return Errno.Absent;
    memory.copy(asked, scratch, nameBytes);
    askedBytes = nameBytes;
    aliases = 0;
    giveUpAt = arm(GIVE_UP_TICKS);
    ask(asked, nameBytes);
    pollDns();
  }
  return 0;
}

function addressIn(e: usize): u32 {
  return load<u32>(e + ADDRESSES + (load<u32>(e, TURN) << 2));
}

/** Nothing answered at an address that `lookup` gave: the next one of its name is given from now on, and after the last
 * one the name is asked for anew. Whether there is a next one. */
export function addressFailed(address: u32): bool {
  let hasNext = false;
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    if (load<u32>(e) == 0 || load<u32>(e, COUNT) == 0 || addressIn(e) != address) continue;
    const next = load<u32>(e, TURN) + 1;
    if (next == load<u32>(e, COUNT)) store<u32>(e, 0);
    else {
      store<u32>(e, next, TURN);
      hasNext = true;
    }
  }
  return hasNext;
}

function ask(name: usize, nameBytes: u32): void {
  memory.copy(question, name, nameBytes);
  questionBytes = nameBytes;
  isAwaiting = false;
  silentAt = 0;
  askedInRound = 0;
  round = 0;
  retryAt = soon();
}

export function pollDns(): void {
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) if (due(load<u32>(e))) store<u32>(e, 0);
  if (askedBytes == 0) return;
  if (due(giveUpAt)) return remember(0, FAILURE_TICKS);
  if (tcpAt != 0) return pollTcpQuery();
  if (!due(retryAt)) return;
  if (isAwaiting) nextServer();
  if (!hasRandom()) {
    retryAt = arm(Ticks.Second >> 3);
    return;
  }
  const p = beginDatagram(serverAt(turn));
  if (p == 0) {
    // A server whose MAC nobody tells is as silent as one that does not answer.
    if (silentAt == 0) silentAt = arm(RETRY_TICKS << round);
    else if (due(silentAt)) nextServer();
    retryAt = arm(UNSENT_TICKS);
    return;
  }
  const random = random32();
  id = random & 0xffff;
  port = (random >>> 16) | 0x400; // 1024 and above (RFC 5452 §9.2)
  sendDatagram(port, Dns.Port, writeQuery(p, id, question, questionBytes));
  silentAt = 0;
  isAwaiting = true;
  retryAt = arm(RETRY_TICKS << round);
}

function nextServer(): void {
  isAwaiting = false;
  silentAt = 0;
  if (++turn >= serverCount) turn = 0;
  if (++askedInRound < serverCount) return;
  askedInRound = 0;
  ++round;
}

/** The server can't or won't answer: the next one is asked at once, the first one again when its time has passed. */
function refused(): void {
  closeTcp();
  nextServer();
  if (askedInRound != 0) retryAt = soon();
}

export function receiveDns(source: u32, destinationPort: u32, p: usize, lengthBytes: u32): void {
  if (!isOpen(source, destinationPort)) return count(Counter.DroppedDns);
  if (!take(p, lengthBytes, false)) count(Counter.DroppedDns);
}

/** Nobody listens where our query went (ICMP). False when it is not our query that is spoken of. */
export function queryUnreachable(server: u32, sourcePort: u32): bool {
  if (!isOpen(server, sourcePort)) return false;
  refused();
  return true;
}

function isOpen(server: u32, localPort: u32): bool {
  return isAwaiting && server == serverAt(turn) && localPort == port;
}

/** False when it is no answer. */
function take(p: usize, lengthBytes: u32, isPart: bool): bool {
  const answer = parseAnswer(p, lengthBytes, isPart, id, question, questionBytes);
  if (answer == Answer.None) return false;
  const seconds = message.answerSeconds;
  if (answer == Answer.Addresses) {
    // Several are kept until all can have been tried, whatever their TTL.
    const least = message.answerCount > 1 ? message.answerCount * 6 : TTL_MIN_S;
    remember(message.answerCount, min(max(seconds, least), TTL_MAX_S) * Ticks.ShortSecond);
  } else if (message.isCutShort && tcpAt == 0) {
    isAwaiting = false;
    isTcpOpen = false;
    isTcpAsked = false;
    receivedBytes = 0;
    tcpAt = arm(TCP_TICKS);
    soon();
  } else if (answer == Answer.Refused) refused();
  else if (answer == Answer.Alias && ++aliases <= ALIASES_MAX) {
    closeTcp();
    ask(message.wanted, nameBytesOf(message.wanted));
  } else remember(0, max(min(seconds, NOTHING_MAX_S) * Ticks.ShortSecond, FAILURE_TICKS));
  return true;
}

/** RFC 7766 §8: two bytes of length before each message. */
function pollTcpQuery(): void {
  const connection = tcp!;
  if (due(tcpAt)) return refused();
  if (!isTcpOpen) {
    isTcpOpen = connect(connection, serverAt(turn), Dns.Port);
    if (!isTcpOpen) soon();
    return;
  }
  if (!isTcpAsked) {
    if (connection.state == TcpState.Closed) return refused();
    if (connection.state < TcpState.Established) return;
    const queryBytes = writeQuery(received + 2, id, question, questionBytes);
    put16(received, queryBytes);
    connection.write(received, queryBytes + 2);
    isTcpAsked = true;
  }
  const got = connection.read(received + receivedBytes, MESSAGE_BYTES - receivedBytes);
  if (got > 0) receivedBytes += got;
  if (receivedBytes >= 2) {
    const whole = get16(received) + 2;
    if (receivedBytes >= whole || receivedBytes == MESSAGE_BYTES) {
      const isPart = whole > receivedBytes;
      if (!take(received + 2, (isPart ? receivedBytes : whole) - 2, isPart)) refused();
      return;
    }
  }
  if (got == Errno.Closed) refused();
}

function closeTcp(): void {
  if (tcpAt == 0) return;
  tcpAt = 0;
  if (isTcpOpen) tcp!.close();
}

/** Ends the query: the entry nearest to its end gives way. */
function remember(addressCount: u32, ticks: u32): void {
  let best = cache;
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    if (load<u32>(e) == 0) {
      best = e;
      break;
    }
    if (<i32>(load<u32>(e) - load<u32>(best)) < 0) best = e;
  }
  store<u32>(best, arm(ticks));
  store<u32>(best, askedBytes, LENGTH);
  store<u32>(best, addressCount, COUNT);
  store<u32>(best, 0, TURN);
  memory.copy(best + ADDRESSES, message.answers, addressCount << 2);
  memory.copy(best + NAME, asked, askedBytes);
  askedBytes = 0;
  isAwaiting = false;
  closeTcp();
}
