// A Stream over one TCP connection; looks names up first. Allocate at start, reuse for ever.

import { Errno, StreamState } from "../exokernel";
import { Stream } from "../stream";
import { arm, due, readClock, soon, Ticks } from "./clock";
import { lostContact } from "./contact";
import { addressFailed, found, hasOther, lookup } from "./dns-client";
import { address } from "./link";
import { addConnection, connect } from "./tcp";
import { TcpConnection, TcpState } from "./tcp-connection";

const enum Phase {
  Idle,
  Resolving,
  Connecting,
  Connected,
}

const HOST_BYTES_MAX: u32 = 253; // RFC 1035 §2.3.4, as text
/** For an address of our own and the host's; connecting then has a deadline of its own. */
const RESOLVE_TICKS: u32 = 30 * Ticks.Second;
/** For one address where the name has more of them; the last one has the whole time of a connection. */
const ADDRESS_TICKS: u32 = 5 * Ticks.Second;

export class TcpStream extends Stream {
  readonly connection: TcpConnection;
  private phase: Phase = Phase.Idle;
  private host: usize;
  private hostBytes: u32 = 0;
  private port: u32 = 0;
  private deadline: u32 = 0;
  private openFailure: i32 = 0;

  /** Ring sizes in bytes, powers of two; a larger window than 65535 is never offered. */
  constructor(receiveBytes: u32 = 32768, sendBytes: u32 = 8192) {
    super();
    this.connection = new TcpConnection(receiveBytes, sendBytes);
    this.host = heap.alloc(HOST_BYTES_MAX);
    if (!addConnection(this.connection) || !addStream(this)) unreachable();
  }

  open(hostPtr: usize, hostLength: u32, port: u32): i32 {
    if (hostLength == 0 || hostLength > HOST_BYTES_MAX || port - 1 > 65534) return Errno.Argument;
    this.abort();
    memory.copy(this.host, hostPtr, hostLength);
    this.hostBytes = hostLength;
    this.port = port;
    this.openFailure = 0;
    this.deadline = arm(RESOLVE_TICKS);
    this.phase = Phase.Resolving;
    return 0;
  }

  state(): i32 {
    if (this.isOpening()) return StreamState.Connecting;
    return this.phase == Phase.Connected ? this.connection.streamState() : StreamState.Closed;
  }

  read(ptr: usize, lengthBytes: u32): i32 {
    if (this.isOpening()) return Errno.Again;
    return this.phase == Phase.Connected ? this.connection.read(ptr, lengthBytes) : Errno.Closed;
  }

  write(ptr: usize, lengthBytes: u32): i32 {
    if (this.isOpening()) return Errno.Again;
    return this.phase == Phase.Connected ? this.connection.write(ptr, lengthBytes) : Errno.Closed;
  }

  room(): i32 {
    return this.phase == Phase.Connected ? this.connection.room() : this.isOpening() ? 0 : Errno.Closed;
  }

  close(): void {
    readClock();
    this.leave();
    this.connection.close();
    this.phase = Phase.Idle;
  }

  /** Ends the connection with a reset; what was written and not acknowledged is lost. */
  abort(): void {
    readClock();
    this.leave();
    this.connection.abort(0);
    this.phase = Phase.Idle;
  }

  private isOpening(): bool {
    return this.phase == Phase.Resolving || this.phase == Phase.Connecting;
  }

  /** The owner has done with the connection: where nothing answered, another address is better next time. */
  private leave(): void {
    const connection = this.connection;
    const isInVain = this.phase == Phase.Connecting || (this.phase == Phase.Connected && connection.isUnanswered());
    if (connection.isPassive || !isInVain) return;
    if (connection.state >= TcpState.Established) lostContact();
    addressFailed(connection.remoteAddress);
  }

  /** Why the stream closed: 0 in order, Errno.Absent no such host, Errno.Argument no such name can exist,
   * Errno.Closed reset or refused by the peer, Errno.Io a deadline passed. */
  failure(): i32 {
    return this.openFailure != 0 ? this.openFailure : this.connection.failure;
  }

  /** For a listener: whether nothing of an earlier owner is left. */
  isFree(): bool {
    return this.phase == Phase.Idle;
  }

  /** For a listener: the connection has an owner now. */
  adopt(): void {
    this.openFailure = 0;
    this.phase = Phase.Connected;
  }

  poll(): void {
    if (this.phase == Phase.Connecting) return this.pollConnecting();
    if (this.phase != Phase.Resolving) return;
    if (due(this.deadline)) return this.fail(Errno.Io);
    if (address == 0) return;
    const result = lookup(this.host, this.hostBytes);
    if (result < 0) return this.fail(result);
    if (result == 0) return;
    if (connect(this.connection, found, this.port)) {
      this.phase = Phase.Connecting;
      this.deadline = hasOther ? arm(ADDRESS_TICKS) : 0;
    } else soon();
  }

  private pollConnecting(): void {
    const connection = this.connection;
    if (connection.state == TcpState.Closed || due(this.deadline)) {
      if (connection.state == TcpState.Closed && connection.failure != Errno.Io) lostContact(); // refused
      connection.abort(Errno.Io);
      if (addressFailed(connection.remoteAddress)) {
        this.phase = Phase.Resolving;
        this.deadline = arm(RESOLVE_TICKS);
        soon();
        return;
      }
      this.openFailure = connection.failure;
      this.phase = Phase.Idle;
    } else if (connection.state > TcpState.SynReceived) this.phase = Phase.Connected;
  }

  private fail(reason: i32): void {
    lostContact();
    this.openFailure = reason;
    this.phase = Phase.Idle;
  }
}

const STREAMS_MAX: i32 = 12;
const streams = new StaticArray<TcpStream | null>(STREAMS_MAX);
let streamCount: i32 = 0;

function addStream(stream: TcpStream): bool {
  if (streamCount == STREAMS_MAX) return false;
  unchecked((streams[streamCount++] = stream));
  return true;
}

export function pollStreams(): void {
  for (let i = 0; i < streamCount; ++i) unchecked(streams[i])!.poll();
}
