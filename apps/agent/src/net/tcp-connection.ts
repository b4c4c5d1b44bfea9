// One TCP connection (RFC 9293): states, both rings, timers. Which segment goes to which connection is tcp.ts's.
//
// A byte's place in its ring is its sequence number modulo the ring's size, a power of two. What the ring of received
// bytes holds beyond the next expected one ("islands": segments that overtook others) is a list of ranges.
//
// Nothing is sent but by `output`, which sends what is due; where the link can't take a frame now, it stays due.

import { Errno, StreamState } from "../exokernel";
import { arm, due, now, soon, Ticks } from "./clock";
import { heardFromPeer, lostContact } from "./contact";
import { Counter, count } from "./counters";
import { beginPacket, mtu, sendPacket } from "./link";
import { PATH_MTU_MIN, guessPath, narrowPath, pathMtu } from "./path-mtu";
import { put16, put32 } from "../big-endian";
import { transportChecksum } from "./wire/transport-checksum";
import { Ipv4, Protocol } from "./wire/ipv4";
import * as segment from "./wire/tcp";
import { Flag, Tcp, TcpOption, sequenceBytes } from "./wire/tcp";

/** RFC 9293 §3.3.2. LISTEN is a TcpListener. */
export const enum TcpState {
  Closed,
  SynSent,
  SynReceived,
  Established,
  FinWait1,
  FinWait2,
  CloseWait,
  Closing,
  LastAck,
  TimeWait,
}

const HEADER_OVERHEAD: u32 = Ipv4.HeaderBytes + Tcp.HeaderBytes;
/** A smaller MSS is an attack on our processor time (RFC 9293 §3.7.1 names no bound). */
const MSS_MIN: u32 = 88;
const ISLANDS: u32 = 8;
const SACK_BLOCKS: u32 = 4;
const SEGMENTS_PER_OUTPUT: u32 = 16;

/** RFC 6298, with Linux's lower bound instead of its 1 s. */
const RTO_FIRST: u32 = Ticks.Second;
const RTO_MIN: u32 = Ticks.Second / 5;
const RTO_MAX: u32 = 60 * Ticks.Second;
const CONNECT_TICKS: u32 = 20 * Ticks.Second;
/** No progress of what we sent for so long ends the connection (RFC 9293 §3.8.3, R2). */
const USER_TIMEOUT: u32 = 60 * Ticks.Second;
/** The same where the peer answers but keeps its window shut: longer, yet not for ever. */
const STALL_TIMEOUT: u32 = 300 * Ticks.Second;
const DELAYED_ACK: u32 = Ticks.Second / 25;
const KEEP_ALIVE_IDLE: u32 = 45 * Ticks.Second;
const KEEP_ALIVE_INTERVAL: u32 = 10 * Ticks.Second;
const KEEP_ALIVE_PROBES: u32 = 6;
/** Much shorter than 2 MSL: ports and sequence numbers are random, and connections few. */
const TIME_WAIT: u32 = 2 * Ticks.Second;
/** Everything after our close: the peer must end its side too. */
const LINGER: u32 = 15 * Ticks.Second;
/** RFC 1191 §6.3 */
const PATH_TICKS: u32 = 600 * Ticks.Second;
/** A peer whose large segments don't arrive can only be asked at the next connection: a costly way to find out. */
const PATH_IN_TICKS: u32 = 3600 * Ticks.Second;
/** Time-outs of one large segment in a row that are taken for a path that swallows it. */
const BLACK_HOLE_TIMEOUTS: u32 = 3;
/** Acknowledged and answered by no text: after this long something is missing. */
const SILENCE: u32 = 5 * Ticks.Second;
/** RFC 1191 §7.1, and what IPv6 tunnels take: the packet sizes to try where a router doesn't name one. */
const plateaus: usize = memory.data<u16>([1492, 1280, 1006, 508, 0]);
/** RFC 5961 §7, for each connection: no shared counter that a stranger could watch. */
const CHALLENGES: u32 = 5;

/** a < b in sequence space (RFC 9293 §3.4). */
// @ts-ignore: decorator
@inline
function before(a: u32, b: u32): bool {
  return <i32>(a - b) < 0;
}

export class TcpConnection {
  state: TcpState = TcpState.Closed;
  /** Why the connection ended: 0 in order, else Errno.Closed (reset, refused), Errno.Io (no answer). */
  failure: i32 = 0;
  /** The peer connected to us. */
  isPassive: bool = false;
  remoteAddress: u32 = 0;
  remotePort: u32 = 0;
  localPort: u32 = 0;

  private receiveBytes: u32;
  private sendBytes: u32;
  private sendRing: usize;
  private receiveRing: usize;
  private islands: usize;

  // From here to the end: all zero when a connection begins (`reset`).

  // Send sequence space (RFC 9293 §3.3.1): una ≤ next ≤ max ≤ end (+1 for FIN). `max` is the most ever sent; after a
  // timeout `next` goes back to una. What carries no data says `max`: with an older number the peer would not look at
  // its acknowledgement, and two ends that both wait for one would wait for ever.
  private sendUna: u32 = 0;
  private sendNext: u32 = 0;
  private sendMax: u32 = 0;
  private sendEnd: u32 = 0;
  private sendWindow: u32 = 0;
  private sendWindowMax: u32 = 0;
  private sendWl1: u32 = 0;
  private sendWl2: u32 = 0;
  private sendMss: u32 = 0;
  private peerMss: u32 = 0;
  private finQueued: bool = false;
  private resend: bool = false;
  private probe: bool = false;

  // Receive sequence space: read ≤ next ≤ advertised (the right edge, which never moves back).
  private receiveRead: u32 = 0;
  private receiveNext: u32 = 0;
  private receiveEdge: u32 = 0;
  private finAt: u32 = 0;
  private finSeen: bool = false;
  private finTaken: bool = false;
  private readerGone: bool = false;
  private sackPermitted: bool = false;
  private islandCount: u32 = 0;
  /** When the last text came that was the next expected, or the connection was established. */
  private textAt: u32 = 0;
  private hasText: bool = false;
  /** The peer was heard of since, and yet nothing more came. */
  private isDeaf: bool = false;

  // Acknowledging
  private ackNow: bool = false;
  private ackOwed: u32 = 0;
  private ackAt: u32 = 0;
  private challengesLeft: u32 = 0;
  private challengesAt: u32 = 0;

  // Congestion (RFC 5681, RFC 6582) and retransmission (RFC 6298)
  private congestionWindow: u32 = 0;
  private slowStartThreshold: u32 = 0;
  private duplicateAcks: u32 = 0;
  private recovering: bool = false;
  private recover: u32 = 0;
  private smoothedRtt8: i32 = 0; // eight times
  private rttVariation4: i32 = 0; // four times
  private rto: u32 = 0;
  private backOff: u32 = 0;
  private timing: bool = false;
  private timedSequence: u32 = 0;
  private timedAt: u32 = 0;

  private retransmitAt: u32 = 0;
  private userAt: u32 = 0;
  private stallAt: u32 = 0;
  private keepAliveAt: u32 = 0;
  private keepAliveProbes: u32 = 0;
  private endAt: u32 = 0; // of TIME-WAIT, or of lingering after close

  /** Both sizes are powers of two. */
  constructor(receiveBytes: u32, sendBytes: u32) {
    this.receiveBytes = receiveBytes;
    this.sendBytes = sendBytes;
    this.sendRing = heap.alloc(sendBytes);
    this.receiveRing = heap.alloc(receiveBytes);
    this.islands = heap.alloc(ISLANDS * 8);
  }

  // ---- what the owner calls ----

  /** Active open. `isn` must not be guessable (RFC 6528). */
  connect(address: u32, port: u32, localPort: u32, isn: u32): void {
    this.reset(address, port, localPort, isn);
    this.isPassive = false;
    this.state = TcpState.SynSent;
  }

  /** Passive open, for the SYN just parsed. */
  accept(address: u32, isn: u32): void {
    this.reset(address, segment.sourcePort, segment.destinationPort, isn);
    this.isPassive = true;
    this.takeSyn();
    this.state = TcpState.SynReceived;
  }

  /** Whether nothing ever came, or what was sent last had to be sent again and still waits. */
  isUnanswered(): bool {
    return !this.hasText || this.backOff != 0;
  }

  streamState(): i32 {
    const state = this.state;
    if (state == TcpState.SynSent || state == TcpState.SynReceived) return StreamState.Connecting;
    return state == TcpState.Established ? StreamState.Open : StreamState.Closed;
  }

  read(p: usize, lengthBytes: u32): i32 {
    const length = min(lengthBytes, this.readable());
    if (length == 0) {
      if (lengthBytes == 0) return 0;
      return this.finTaken || this.state == TcpState.Closed ? Errno.Closed : Errno.Again;
    }
    fromRing(p, this.receiveRing, this.receiveBytes, this.receiveRead, length);
    this.receiveRead += length;
    // The window has opened enough to be worth a segment (RFC 9293 §3.8.6.2.2).
    if (this.state == TcpState.Established && this.edgeStep() != 0) {
      this.ackNow = true;
      soon();
    }
    return length;
  }

  write(p: usize, lengthBytes: u32): i32 {
    if (this.finQueued) return Errno.Closed;
    if (this.state != TcpState.Established && this.state != TcpState.CloseWait) {
      return this.streamState() == StreamState.Connecting ? Errno.Again : Errno.Closed;
    }
    const length = min(lengthBytes, this.sendBytes - (this.sendEnd - this.sendUna));
    if (length == 0) return lengthBytes == 0 ? 0 : Errno.Again;
    toRing(this.sendRing, this.sendBytes, this.sendEnd, p, length);
    this.sendEnd += length;
    soon();
    return length;
  }

  /** Bytes that `write` would take. */
  room(): i32 {
    if (this.finQueued || (this.state != TcpState.Established && this.state != TcpState.CloseWait)) return Errno.Closed;
    return <i32>(this.sendBytes - (this.sendEnd - this.sendUna));
  }

  /** Sends what was written, then FIN. Nothing is read any more. */
  close(): void {
    this.judgePath();
    this.readerGone = true;
    const state = this.state;
    if (state == TcpState.Established) this.state = TcpState.FinWait1;
    else if (state == TcpState.CloseWait) this.state = TcpState.LastAck;
    else {
      if (state == TcpState.SynSent || state == TcpState.SynReceived) this.abort(0);
      return;
    }
    this.finQueued = true;
    this.endAt = arm(LINGER);
    this.discard();
    soon();
  }

  /** Ends the connection at once, with a reset where the peer may know of it. */
  abort(failure: i32): void {
    const state = this.state;
    if (state == TcpState.Closed) return;
    if (!this.isPassive && (failure == Errno.Io || state == TcpState.SynSent)) lostContact();
    if (state != TcpState.SynSent && state != TcpState.TimeWait) {
      if (this.emit(this.sendMax, 0, Flag.Rst | Flag.Ack)) count(Counter.TcpResetsSent);
    }
    this.end(failure);
  }

  /** Ends the connection without a word to the peer: our address is no longer ours. */
  drop(failure: i32): void {
    if (this.state != TcpState.Closed) this.end(failure);
  }

  // ---- segments in: the segment just parsed belongs to this connection (RFC 9293 §3.10.7) ----

  receive(): void {
    const state = this.state;
    if (state == TcpState.SynSent) return this.receiveInSynSent();
    const flags = segment.flags;
    const offset = segment.sequence - this.receiveNext;
    const window = <u32>max(<i32>(this.receiveEdge - this.receiveNext), 0);
    const length = sequenceBytes();
    if ((flags & Flag.Syn) != 0 && state == TcpState.SynReceived && offset == u32.MAX_VALUE) {
      this.sendNext = this.sendUna; // our SYN-ACK was lost
      return;
    }
    // First, the sequence number (§3.10.7.4). At a shut window the next byte's number still carries an ACK.
    if (offset != 0 && offset >= window && (length == 0 || offset + length - 1 >= window)) {
      if ((flags & Flag.Rst) != 0) return count(Counter.DroppedTcp);
      count(Counter.TcpDuplicates);
      if (segment.payloadBytes != 0 || (flags & Flag.Fin) != 0) this.ackNow = true;
      else this.challenge();
      return;
    }
    // Second and fourth, RST and SYN (RFC 5961 §3.2, §4.2): only an exact reset is believed.
    if ((flags & Flag.Rst) != 0) {
      if (offset != 0) return this.challenge();
      count(Counter.TcpResetsReceived);
      return this.end(state == TcpState.TimeWait || state == TcpState.LastAck ? 0 : Errno.Closed);
    }
    if ((flags & Flag.Syn) != 0) return this.challenge();
    // Fifth, ACK
    if ((flags & Flag.Ack) == 0) return count(Counter.DroppedTcp);
    const acknowledged = segment.acknowledgement - this.sendUna;
    if (state == TcpState.SynReceived) {
      if (acknowledged != 1) return count(Counter.DroppedTcp);
      this.establish();
    }
    if (acknowledged > this.sendMax - this.sendUna) {
      // RFC 5961 §5.2: neither of what is in flight nor of what was just before.
      if (this.sendUna - segment.acknowledgement > this.sendWindowMax) return this.challenge();
    } else this.receiveAck(acknowledged);
    this.keepAliveAt = arm(KEEP_ALIVE_IDLE);
    this.keepAliveProbes = 0;
    if (!this.isPassive) heardFromPeer();
    if (this.state == TcpState.Closed) return;
    if (this.state == TcpState.TimeWait) {
      if (length != 0) {
        this.ackNow = true;
        this.endAt = arm(TIME_WAIT);
      }
      return;
    }
    const expected = this.receiveNext;
    if (length != 0) this.receiveText(offset, window);
    if (this.receiveNext != expected) {
      this.textAt = now;
      if (segment.payloadBytes != 0) this.hasText = true;
      this.isDeaf = false;
    } else if (now - this.textAt > SILENCE) this.isDeaf = true;
  }

  /** An ICMP error about the segment with this number (see tcp.ts); false when it is not on its way. */
  receiveError(sequence: u32, size: u32, nextHopMtu: u32): bool {
    if (sequence - this.sendUna >= this.sendMax - this.sendUna) return false;
    if (size == 0) {
      // RFC 5927 §5: only while it is being made an error ends a connection; another address may be better.
      if (this.state == TcpState.SynSent) this.end(Errno.Closed);
      return true;
    }
    let fits = nextHopMtu;
    if (fits < 68 || fits >= size) {
      // RFC 1191 §5: an old router, which does not say.
      let p = plateaus;
      while (load<u16>(p) >= size) p += 2;
      fits = load<u16>(p);
    }
    if (max(fits, PATH_MTU_MIN) >= pathMtu(this.remoteAddress)) return true; // known
    narrowPath(this.remoteAddress, fits, PATH_TICKS);
    // RFC 1191 §6.4: sent again at once, and not taken for congestion.
    this.sendNext = this.sendUna;
    this.timing = false;
    this.retransmitAt = 0;
    soon();
    return true;
  }

  /** Called when we end the connection: what the peer says is short may arrive, and what is long may not. The next
   * connection then asks it for smaller segments. */
  private judgePath(): void {
    if (this.isPassive || this.state != TcpState.Established) return;
    if (this.isDeaf || (!this.hasText && now - this.textAt > SILENCE)) guessPath(this.remoteAddress, PATH_IN_TICKS);
  }

  /** Largest payload for the path and the peer. */
  private fitSegments(): void {
    this.sendMss = max(min(this.peerMss, pathMtu(this.remoteAddress) - HEADER_OVERHEAD), MSS_MIN);
  }

  /** Acknowledges at once what must not wait for the next poll: each segment out of order is to be heard of. */
  acknowledge(): void {
    if (this.ackNow && this.state > TcpState.SynReceived) this.emit(this.sendMax, 0, Flag.Ack);
  }

  private receiveInSynSent(): void {
    const flags = segment.flags;
    const isAck = (flags & Flag.Ack) != 0;
    if (isAck && (segment.acknowledgement != this.sendNext || this.sendNext == this.sendUna)) {
      return count(Counter.DroppedTcp);
    }
    if ((flags & Flag.Rst) != 0) {
      if (!isAck) return count(Counter.DroppedTcp);
      count(Counter.TcpResetsReceived);
      return this.end(Errno.Closed);
    }
    // A simultaneous open (SYN without ACK) is not for a client whose port is random.
    if ((flags & Flag.Syn) == 0 || !isAck) return count(Counter.DroppedTcp);
    this.takeSyn();
    this.establish();
    this.receiveAck(1);
    this.ackNow = true;
  }

  /** What the peer's SYN says. Data on it is not taken: it comes again. */
  private takeSyn(): void {
    const start = segment.sequence + 1;
    this.receiveNext = start;
    this.receiveRead = start;
    this.receiveEdge = start;
    this.receiveEdge += this.edgeStep();
    this.sackPermitted = segment.sackPermitted;
    this.peerMss = segment.mss;
    this.fitSegments();
    this.congestionWindow = min(4 * this.sendMss, max<u32>(2 * this.sendMss, 4380)); // RFC 5681 §3.1
    this.setSendWindow();
  }

  private establish(): void {
    this.state = TcpState.Established;
    this.textAt = now;
    if (!this.isPassive) heardFromPeer();
    this.setSendWindow();
    this.userAt = 0;
    this.stallAt = 0;
    this.keepAliveAt = arm(KEEP_ALIVE_IDLE);
  }

  private setSendWindow(): void {
    this.sendWindow = segment.window;
    this.sendWindowMax = max(this.sendWindowMax, segment.window);
    this.sendWl1 = segment.sequence;
    this.sendWl2 = segment.acknowledgement;
  }

  /** An acknowledgement within what was sent. */
  private receiveAck(acknowledged: u32): void {
    const flight = this.sendMax - this.sendUna;
    const oldWindow = this.sendWindow;
    // RFC 9293 §3.10.7.4: an older segment must not set the window.
    if (
      before(this.sendWl1, segment.sequence) ||
      (this.sendWl1 == segment.sequence && !before(segment.acknowledgement, this.sendWl2))
    ) {
      this.setSendWindow();
      if (oldWindow == 0 && segment.window != 0) {
        // The probe's byte was not taken: go on from there, at once.
        this.sendNext = this.sendUna;
        this.backOff = 0;
        this.retransmitAt = 0;
      }
    }
    if (acknowledged != 0) this.receiveNewAck(acknowledged, flight);
    else if (
      flight != 0 &&
      segment.payloadBytes == 0 &&
      (segment.flags & Flag.Fin) == 0 &&
      segment.window == oldWindow &&
      oldWindow != 0
    ) {
      this.receiveDuplicateAck(flight);
    }
    if (flight != 0 && this.sendWindow == 0 && this.stallAt != 0) this.userAt = arm(USER_TIMEOUT);
  }

  private receiveNewAck(acknowledged: u32, flight: u32): void {
    const una = segment.acknowledgement;
    const mss = this.sendMss;
    this.sendUna = una;
    if (before(this.sendNext, una)) this.sendNext = una;
    this.backOff = 0;
    this.probe = false;
    this.resend = false;
    if (this.timing && !before(una, this.timedSequence)) {
      this.timing = false;
      this.measured(now - this.timedAt);
    }
    if (this.recovering) {
      if (before(una, this.recover)) {
        // RFC 6582 §3.2 step 3, partial: the next hole is sent too.
        this.resend = true;
        this.congestionWindow = max(this.congestionWindow - min(acknowledged, this.congestionWindow) + mss, mss);
      } else {
        this.recovering = false;
        this.duplicateAcks = 0;
        this.congestionWindow = min(this.slowStartThreshold, max(this.sendMax - una, mss) + mss);
      }
    } else {
      this.duplicateAcks = 0;
      const step =
        this.congestionWindow < this.slowStartThreshold
          ? min(acknowledged, mss)
          : max<u32>((mss * mss) / this.congestionWindow, 1);
      this.congestionWindow = min(this.congestionWindow + step, this.sendBytes + mss);
    }
    const left = flight - acknowledged;
    this.retransmitAt = left == 0 ? 0 : arm(this.timeout());
    const isIdle = left == 0 && !before(una, this.sendEnd);
    this.userAt = isIdle ? 0 : arm(USER_TIMEOUT);
    this.stallAt = isIdle ? 0 : arm(STALL_TIMEOUT);
    if (this.finQueued && una == this.sendEnd + 1) this.finAcknowledged();
  }

  private receiveDuplicateAck(flight: u32): void {
    const mss = this.sendMss;
    const n = ++this.duplicateAcks;
    if (this.recovering) this.congestionWindow = min(this.congestionWindow + mss, this.sendBytes + mss);
    else if (n == 3 && !before(this.sendUna, this.recover)) {
      count(Counter.TcpFastRetransmits);
      this.slowStartThreshold = max(flight >>> 1, 2 * mss);
      this.congestionWindow = this.slowStartThreshold + 3 * mss;
      this.recover = this.sendMax;
      this.recovering = true;
      this.resend = true;
    }
  }

  /** Our FIN was acknowledged. */
  private finAcknowledged(): void {
    if (this.state == TcpState.FinWait1) this.state = TcpState.FinWait2;
    else if (this.state == TcpState.Closing) this.enterTimeWait();
    else if (this.state == TcpState.LastAck) this.end(0);
  }

  private enterTimeWait(): void {
    this.state = TcpState.TimeWait;
    this.endAt = arm(TIME_WAIT);
    this.retransmitAt = this.userAt = this.stallAt = 0;
  }

  /** Data and FIN at `offset` from the next expected byte; a part of them lies in the window. */
  private receiveText(offset: u32, window: u32): void {
    let from = segment.payload;
    let length = segment.payloadBytes;
    let start = segment.sequence;
    const hasFin = (segment.flags & Flag.Fin) != 0;
    // RFC 1122 §4.2.2.13: the peer is told that nobody reads, but not before it has what we wrote.
    if (length != 0 && this.readerGone && this.state == TcpState.FinWait2) return this.abort(0);
    if (this.finTaken) {
      this.ackNow = true;
      return;
    }
    if (<i32>offset < 0) {
      // The beginning came before: only what follows is new.
      count(Counter.TcpDuplicates);
      const known = min(0 - offset, length);
      from += known;
      length -= known;
      start += known;
      offset += known;
      this.ackNow = true;
      if (<i32>offset < 0) return;
    }
    if (hasFin && offset + length <= window) {
      this.finSeen = true;
      this.finAt = start + length;
    }
    if (length > window - offset) length = window - offset;
    if (length != 0) {
      toRing(this.receiveRing, this.receiveBytes, start, from, length);
      if (offset == 0) {
        this.receiveNext += length;
        if (this.islandCount != 0) {
          this.ackNow = true;
          this.joinIslands();
        } else if (++this.ackOwed >= 2) this.ackNow = true;
        else this.ackAt = arm(DELAYED_ACK);
      } else {
        count(Counter.TcpOutOfOrder);
        this.addIsland(start, start + length);
        this.ackNow = true;
      }
    } else this.ackNow = true;
    if (this.finSeen && this.receiveNext == this.finAt) this.takeFin();
    if (this.readerGone) this.discard();
  }

  private takeFin(): void {
    this.finTaken = true;
    ++this.receiveNext;
    this.ackNow = true;
    if (this.state == TcpState.Established) this.state = TcpState.CloseWait;
    else if (this.state == TcpState.FinWait1) this.state = TcpState.Closing;
    else if (this.state == TcpState.FinWait2) this.enterTimeWait();
  }

  // ---- islands: ranges [start, end) beyond receiveNext, the newest last ----

  private addIsland(start: u32, end: u32): void {
    let kept: u32 = 0;
    const list = this.islands;
    for (let i: u32 = 0; i < this.islandCount; ++i) {
      const a = load<u32>(list + i * 8);
      const b = load<u32>(list + i * 8, 4);
      if (before(end, a) || before(b, start)) {
        store<u32>(list + kept * 8, a);
        store<u32>(list + kept * 8, b, 4);
        ++kept;
      } else {
        if (before(a, start)) start = a;
        if (before(end, b)) end = b;
      }
    }
    // No room: the segment is as if it had been lost.
    if (kept < ISLANDS) {
      store<u32>(list + kept * 8, start);
      store<u32>(list + kept * 8, end, 4);
      ++kept;
    }
    this.islandCount = kept;
  }

  /** Takes the islands that `receiveNext` has reached. They don't touch each other, so one pass over them for each
   * that is taken. */
  private joinIslands(): void {
    const list = this.islands;
    let i: u32 = 0;
    while (i < this.islandCount) {
      if (before(this.receiveNext, load<u32>(list + i * 8))) {
        ++i;
        continue;
      }
      const end = load<u32>(list + i * 8, 4);
      const last = --this.islandCount;
      memory.copy(list + i * 8, list + i * 8 + 8, (last - i) * 8);
      if (before(this.receiveNext, end)) this.receiveNext = end;
      i = 0;
    }
  }

  // ---- timers and output ----

  /** Runs what is due and sends what can be sent. */
  poll(): void {
    if (this.state == TcpState.Closed) return;
    if (due(this.endAt)) {
      if (this.state == TcpState.TimeWait) this.end(0);
      else this.abort(Errno.Io);
      return;
    }
    if (due(this.userAt) || due(this.stallAt)) return this.abort(Errno.Io);
    if (due(this.retransmitAt)) this.retransmit();
    if (due(this.keepAliveAt)) this.keepAlive();
    if (this.state != TcpState.Closed) this.output();
  }

  /** RFC 6298 §5.4 to §5.7, RFC 5681 §3.1; at a shut window the same timer probes it (RFC 9293 §3.8.6.1). */
  private retransmit(): void {
    this.retransmitAt = 0;
    if (this.sendNext != this.sendUna) count(Counter.TcpTimeouts);
    if (this.backOff < 8) ++this.backOff;
    this.timing = false;
    const isMade = this.state >= TcpState.Established;
    if (this.sendWindow == 0 && isMade) this.probe = true;
    else {
      const isLarge = min(this.sendEnd - this.sendUna, this.sendMss) > PATH_MTU_MIN - HEADER_OVERHEAD;
      if (isMade && isLarge && this.backOff >= BLACK_HOLE_TIMEOUTS) guessPath(this.remoteAddress, PATH_TICKS);
      if (this.backOff == 1 && isMade)
        this.slowStartThreshold = max((this.sendMax - this.sendUna) >>> 1, 2 * this.sendMss);
      this.congestionWindow = this.sendMss;
    }
    this.recovering = false;
    this.resend = false;
    this.recover = this.sendMax;
    this.duplicateAcks = 0;
    this.sendNext = this.sendUna;
  }

  private timeout(): u32 {
    return min(this.rto << this.backOff, RTO_MAX);
  }

  /** RFC 6298 §2, in whole ticks; only of segments sent once (Karn). */
  private measured(rtt: u32): void {
    const sample = <i32>min(rtt, RTO_MAX);
    if (this.smoothedRtt8 == 0) {
      this.smoothedRtt8 = max(sample << 3, 1);
      this.rttVariation4 = sample << 1;
    } else {
      const error = sample - (this.smoothedRtt8 >> 3);
      this.smoothedRtt8 = max(this.smoothedRtt8 + error, 1);
      this.rttVariation4 += (error < 0 ? -error : error) - (this.rttVariation4 >> 2);
    }
    this.rto = min(max(<u32>((this.smoothedRtt8 >> 3) + max(this.rttVariation4, 1)), RTO_MIN), RTO_MAX);
  }

  private keepAlive(): void {
    if (this.keepAliveProbes == KEEP_ALIVE_PROBES) return this.abort(Errno.Io);
    ++this.keepAliveProbes; // also where the peer's MAC is not known any more: that is no answer either
    this.emit(this.sendMax - 1, 0, Flag.Ack);
    this.keepAliveAt = arm(KEEP_ALIVE_INTERVAL);
  }

  private output(): void {
    if (this.state <= TcpState.SynReceived) {
      if (this.sendNext == this.sendUna) this.outputSyn();
      return;
    }
    this.fitSegments();
    if (this.resend) {
      const length = min(this.sendEnd - this.sendUna, this.sendMss);
      const fin = this.finQueued && this.sendEnd - this.sendUna == length ? Flag.Fin : 0;
      if (!this.emit(this.sendUna, length, Flag.Ack | fin)) return;
      count(Counter.TcpRetransmits);
      this.timing = false;
      this.resend = false;
      this.retransmitAt = arm(this.timeout());
    }
    let budget = SEGMENTS_PER_OUTPUT;
    while (this.outputText()) {
      if (--budget == 0) {
        soon();
        break;
      }
    }
    if (this.ackNow || due(this.ackAt)) this.emit(this.sendMax, 0, Flag.Ack);
  }

  private outputSyn(): void {
    const flags = this.state == TcpState.SynSent ? Flag.Syn : Flag.Syn | Flag.Ack;
    if (!this.emit(this.sendUna, 0, flags)) return;
    if (this.sendMax != this.sendNext) {
      count(Counter.TcpRetransmits);
      this.timing = false;
    } else this.startTiming(this.sendNext + 1);
    ++this.sendNext;
    this.sendMax = this.sendNext;
    this.retransmitAt = arm(this.timeout());
  }

  private startTiming(sequence: u32): void {
    this.timing = true;
    this.timedSequence = sequence;
    this.timedAt = now;
  }

  /** Sends the next segment of data; false when there is none to send now. */
  private outputText(): bool {
    const next = this.sendNext;
    const flight = next - this.sendUna;
    if (before(this.sendEnd, next)) return false; // FIN is sent
    const waiting = this.sendEnd - next;
    if (waiting == 0 && !this.finQueued) return false;
    // RFC 3042: the first two duplicates let one new segment each go.
    const spare = this.recovering ? 0 : min<u32>(this.duplicateAcks, 2) * this.sendMss;
    const window = min(this.sendWindow, this.congestionWindow + spare);
    const room = window > flight ? window - flight : 0;
    let length = min(min(waiting, this.sendMss), room);
    // Silly window (RFC 9293 §3.8.6.2.1): a part only when nothing is in flight.
    if (length < min(waiting, this.sendMss) && flight != 0) return false;
    this.watchProgress();
    if (length == 0 && waiting != 0) {
      if (!this.probe) {
        if (this.retransmitAt == 0) this.retransmitAt = arm(this.timeout());
        return false;
      }
      length = 1;
    }
    const fin: u32 = this.finQueued && length == waiting ? 1 : 0;
    const push = length == waiting ? Flag.Psh : 0;
    if (!this.emit(next, length, Flag.Ack | push | fin)) return false;
    this.probe = false;
    this.sendNext = next + length + fin;
    if (before(next, this.sendMax)) count(Counter.TcpRetransmits);
    else if (!this.timing) this.startTiming(this.sendNext);
    if (before(this.sendMax, this.sendNext)) this.sendMax = this.sendNext;
    if (this.retransmitAt == 0) this.retransmitAt = arm(this.timeout());
    return true;
  }

  private watchProgress(): void {
    if (this.stallAt != 0) return;
    this.userAt = arm(USER_TIMEOUT);
    this.stallAt = arm(STALL_TIMEOUT);
  }

  /** RFC 5961: tells the peer what we expect, so that a real one can prove itself. */
  private challenge(): void {
    count(Counter.DroppedTcp);
    if (this.challengesAt == 0 || due(this.challengesAt)) {
      this.challengesAt = arm(Ticks.Second);
      this.challengesLeft = CHALLENGES;
    }
    if (this.challengesLeft == 0) return;
    --this.challengesLeft;
    count(Counter.TcpChallengeAcks);
    this.ackNow = true;
  }

  /** Writes and sends one segment; false when the link can't take it now. */
  private emit(sequence: u32, length: u32, flags: u32): bool {
    const ip = beginPacket(this.remoteAddress, Protocol.Tcp);
    if (ip == 0) return false;
    if (pathMtu(this.remoteAddress) == PATH_MTU_MIN) put16(ip + Ipv4.Fragment, 0);
    const p = ip + Ipv4.HeaderBytes;
    if (flags & Flag.Ack) this.receiveEdge += this.edgeStep();
    put16(p + Tcp.SourcePort, this.localPort);
    put16(p + Tcp.DestinationPort, this.remotePort);
    put32(p + Tcp.Sequence, sequence);
    put32(p + Tcp.Acknowledgement, flags & Flag.Ack ? this.receiveNext : 0);
    store<u8>(p + Tcp.Flags, <u8>flags);
    const open = <i32>(this.receiveEdge - this.receiveNext);
    put16(p + Tcp.Window, flags & Flag.Ack ? <u32>max(open, 0) : min<u32>(this.receiveBytes, 65535));
    store<u32>(p + Tcp.Checksum, 0);
    let header = Tcp.HeaderBytes;
    if (flags & Flag.Syn) header += this.writeSynOptions(p + header, flags);
    else if (length == 0 && this.islandCount != 0 && this.sackPermitted) header += this.writeSack(p + header);
    store<u8>(p + Tcp.DataOffset, <u8>(header << 2));
    if (length != 0) fromRing(p + header, this.sendRing, this.sendBytes, sequence, length);
    store<u16>(p + Tcp.Checksum, <u16>transportChecksum(ip, p, header + length));
    sendPacket(ip, header + length);
    if (flags & Flag.Ack) {
      this.ackNow = false;
      this.ackOwed = 0;
      this.ackAt = 0;
    }
    return true;
  }

  /** MSS and SACK-permitted; the latter in an answer only to one that offers it (RFC 2018 §2). */
  private writeSynOptions(p: usize, flags: u32): u32 {
    store<u8>(p, <u8>TcpOption.Mss);
    store<u8>(p, 4, 1);
    put16(p + 2, pathMtu(this.remoteAddress) - HEADER_OVERHEAD);
    if ((flags & Flag.Ack) != 0 && !this.sackPermitted) return 4;
    store<u32>(p, (2 << 24) | (TcpOption.SackPermitted << 16) | (TcpOption.Nop << 8) | TcpOption.Nop, 4);
    return 8;
  }

  /** The islands, newest first (RFC 2018 §4). */
  private writeSack(p: usize): u32 {
    const blocks = min(this.islandCount, SACK_BLOCKS);
    store<u32>(p, ((blocks * 8 + 2) << 24) | (TcpOption.Sack << 16) | (TcpOption.Nop << 8) | TcpOption.Nop);
    for (let i: u32 = 0; i < blocks; ++i) {
      const island = this.islands + (this.islandCount - 1 - i) * 8;
      put32(p + 4 + i * 8, load<u32>(island));
      put32(p + 8 + i * 8, load<u32>(island, 4));
    }
    return blocks * 8 + 4;
  }

  private discard(): void {
    this.receiveRead += this.readable();
  }

  private readable(): u32 {
    return this.receiveNext - (this.finTaken ? 1 : 0) - this.receiveRead;
  }

  /** How far the window's right edge may move on now: nothing, or enough to be worth it. */
  private edgeStep(): u32 {
    const step = this.receiveRead + min<u32>(this.receiveBytes, 65535) - this.receiveEdge;
    return step >= min(this.receiveBytes >>> 1, mtu - HEADER_OVERHEAD) && !this.finTaken ? step : 0;
  }

  private reset(address: u32, port: u32, localPort: u32, isn: u32): void {
    this.remoteAddress = address;
    this.remotePort = port;
    this.localPort = localPort;
    this.failure = 0;
    const zeros = offsetof<TcpConnection>("sendUna");
    memory.fill(changetype<usize>(this) + zeros, 0, offsetof<TcpConnection>() - zeros);
    this.sendUna = this.sendNext = this.sendMax = this.recover = isn;
    this.sendEnd = isn + 1;
    this.sendMss = MSS_MIN;
    this.congestionWindow = MSS_MIN;
    this.slowStartThreshold = u32.MAX_VALUE;
    this.rto = RTO_FIRST;
    this.userAt = arm(CONNECT_TICKS);
    soon();
  }

  private end(failure: i32): void {
    if (failure != Errno.Closed) this.judgePath();
    this.state = TcpState.Closed;
    this.failure = failure;
    this.islandCount = 0;
  }
}

/** Copies into a ring; `length` is at most its size. */
function toRing(ring: usize, size: u32, sequence: u32, from: usize, length: u32): void {
  const at = sequence & (size - 1);
  const first = min(length, size - at);
  memory.copy(ring + at, from, first);
  memory.copy(ring, from + first, length - first);
}

function fromRing(to: usize, ring: usize, size: u32, sequence: u32, length: u32): void {
  const at = sequence & (size - 1);
  const first = min(length, size - at);
  memory.copy(to, ring + at, first);
  memory.copy(to + first, ring, length - first);
}
