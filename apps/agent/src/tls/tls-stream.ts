// TlsStream: TLS 1.3 over any other Stream, or that stream as it is where the host doesn't ask for TLS. One connection
// at a time; everything is allocated by the constructor, and a call does a bounded amount of work: at most one key
// exchange, and a few records.
//
// A record is opened before anything of it is believed, and any that can't be ends the connection (§5.2). What was read
// before the peer said close_notify, or its stream ended, stays readable.

import { get16, put16, put8 } from "../big-endian";
import { Errno, StreamState } from "../exokernel";
import { Stream } from "../stream";
import { ClientHandshake, HandshakeState } from "./client-handshake";
import { ChannelCredentials, ChannelMode, channelModeOf, HOST_PREFIX_BYTES } from "./credentials";
import { MessageBuffer } from "./message-buffer";
import { SEALED_BYTES_MORE } from "./traffic-keys";
import { Alert, ALERT_FATAL, ContentType, FRAGMENT_BYTES_MAX, LEGACY_VERSION, RECORD_HEADER_BYTES } from "./wire";

/** Behind a record's header: content, its type, padding and tag (§5.2). */
const RECORD_BYTES_MAX: u32 = FRAGMENT_BYTES_MAX + 256;
/** Content of a record that is sent. A ClientHello takes less than 256 bytes and its identity (64). */
const SEND_BYTES_MAX: u32 = 1024;
/** Bound on one call. */
const RECORDS_PER_CALL: i32 = 4;

// biome-ignore format: a table, row by row
namespace Phase {
  export const Idle: u32 = 0;
  export const Opening: u32 = 1;    // the stream below
  export const Handshake: u32 = 2;
  export const Open: u32 = 3;
  export const Closed: u32 = 4;     // what is left may be read
}

export class TlsStream extends Stream {
  private phase: u32 = Phase.Idle;
  private mode: u32 = ChannelMode.Clear;
  private handshake: ClientHandshake;
  private messages: MessageBuffer = new MessageBuffer();

  /** One record that comes in, with its header. */
  private record: usize = heap.alloc(RECORD_HEADER_BYTES + RECORD_BYTES_MAX);
  private received: u32 = 0;
  /** Content of it that is to be read. */
  private content: usize = 0;
  private contentBytes: u32 = 0;

  /** Records that go out. */
  private outgoing: usize = heap.alloc(SEND_BYTES_MAX + SEALED_BYTES_MORE);
  private outgoingAt: usize = 0;
  private outgoingBytes: u32 = 0;
  /** What `write` has sealed and not yet said that it took. */
  private sealedBytes: u32 = 0;

  constructor(
    private below: Stream,
    private credentials: ChannelCredentials,
  ) {
    super();
    this.handshake = new ClientHandshake(credentials);
  }

  open(hostPtr: usize, hostLength: u32, port: u32): i32 {
    this.forget();
    this.mode = channelModeOf(hostPtr, hostLength);
    this.credentials.onOpen(this.mode);
    if (this.isClear()) return this.below.open(hostPtr, hostLength, port);
    this.phase = Phase.Opening;
    return this.below.open(hostPtr + HOST_PREFIX_BYTES, hostLength - HOST_PREFIX_BYTES, port);
  }

  state(): i32 {
    if (this.isClear()) return this.below.state();
    this.advance();
    if (this.phase == Phase.Open) return StreamState.Open;
    return this.phase == Phase.Opening || this.phase == Phase.Handshake ? StreamState.Connecting : StreamState.Closed;
  }

  read(ptr: usize, lengthBytes: u32): i32 {
    if (this.isClear()) return this.below.read(ptr, lengthBytes);
    this.advance();
    if (this.contentBytes == 0) {
      if (this.phase == Phase.Closed || this.phase == Phase.Idle) return Errno.Closed;
      return Errno.Again;
    }
    const taken = min(lengthBytes, this.contentBytes);
    memory.copy(ptr, this.content, taken);
    this.content += taken;
    this.contentBytes -= taken;
    return taken;
  }

  /** After Errno.Again, what is offered next has to begin with the same bytes: they may be sealed already. */
  write(ptr: usize, lengthBytes: u32): i32 {
    if (this.isClear()) return this.below.write(ptr, lengthBytes);
    this.flush();
    if (this.phase == Phase.Closed || this.phase == Phase.Idle) return Errno.Closed;
    if (this.phase != Phase.Open || this.outgoingBytes != 0) return Errno.Again;
    if (this.sealedBytes == 0) {
      if (lengthBytes == 0) return 0;
      this.sealedBytes = min(lengthBytes, SEND_BYTES_MAX);
      memory.copy(this.outgoing + RECORD_HEADER_BYTES, ptr, this.sealedBytes);
      this.seal(ContentType.ApplicationData, this.sealedBytes);
      this.flush();
      if (this.outgoingBytes != 0) return this.phase == Phase.Closed ? Errno.Closed : Errno.Again;
    }
    const taken = this.sealedBytes;
    this.sealedBytes = 0;
    return taken;
  }

  close(): void {
    if (!this.isClear() && this.phase == Phase.Open && this.outgoingBytes == 0) this.sendAlert(Alert.CloseNotify);
    this.below.close();
    this.forget();
  }

  private isClear(): bool {
    return this.mode == ChannelMode.Clear;
  }

  private forget(): void {
    this.handshake.wipe();
    this.messages.reset();
    memory.fill(this.record, 0, RECORD_HEADER_BYTES + RECORD_BYTES_MAX);
    this.received = 0;
    this.contentBytes = 0;
    this.outgoingBytes = 0;
    this.sealedBytes = 0;
    this.phase = Phase.Idle;
  }

  /** Whatever can be done now, within bounds. */
  private advance(): void {
    if (this.phase == Phase.Opening) this.begin();
    for (let records = RECORDS_PER_CALL; records > 0; records--) {
      this.flush();
      if (this.phase != Phase.Handshake && this.phase != Phase.Open) return;
      if (this.contentBytes != 0 || !this.receive()) return;
    }
  }

  private begin(): void {
    const state = this.below.state();
    if (state == StreamState.Connecting) return;
    if (state == StreamState.Closed) {
      this.phase = Phase.Closed;
      return;
    }
    this.phase = Phase.Handshake;
    const length = this.handshake.begin(this.mode, this.outgoing + RECORD_HEADER_BYTES);
    // §5.1: a first ClientHello may say 0x0301, for what is older than TLS 1.2; 0x0303 does as well.
    this.putPlain(ContentType.Handshake, length);
  }

  // ---- sending -----------------------------------------------------------------------------------------------------

  /** Hands to the stream below what waits; then what the handshake owes. */
  private flush(): void {
    while (this.outgoingBytes != 0) {
      const count = this.below.write(this.outgoingAt, this.outgoingBytes);
      if (count < 0 && count != Errno.Again) {
        this.end();
        return;
      }
      if (count <= 0) return;
      const taken = min(<u32>count, this.outgoingBytes);
      this.outgoingAt += taken;
      this.outgoingBytes -= taken;
    }
    // Before what `write` has sealed is told as taken, nothing else goes into the buffer.
    if (this.phase != Phase.Open || this.sealedBytes != 0 || !this.handshake.owesKeyUpdate) return;
    this.seal(ContentType.Handshake, this.handshake.writeKeyUpdate(this.outgoing + RECORD_HEADER_BYTES));
    this.handshake.writing.update();
  }

  private seal(type: u32, length: u32): void {
    this.outgoingAt = this.outgoing;
    this.outgoingBytes = this.handshake.writing.seal(this.outgoing, type, length);
  }

  private putPlain(type: u32, length: u32): void {
    put16(put16(put8(this.outgoing, type), LEGACY_VERSION), length);
    this.outgoingAt = this.outgoing;
    this.outgoingBytes = RECORD_HEADER_BYTES + length;
  }

  /** As far as there is room for it: nobody waits for its being read. */
  private sendAlert(alert: i32): void {
    store<u8>(this.outgoing + RECORD_HEADER_BYTES, alert == Alert.CloseNotify ? 1 : ALERT_FATAL);
    store<u8>(this.outgoing + RECORD_HEADER_BYTES + 1, alert);
    // Until ServerHello there are no keys.
    if (this.handshake.state > HandshakeState.ServerHello) this.seal(ContentType.Alert, 2);
    else this.putPlain(ContentType.Alert, 2);
    this.below.write(this.outgoingAt, this.outgoingBytes);
    this.outgoingBytes = 0;
  }

  // ---- receiving ---------------------------------------------------------------------------------------------------

  /** Takes one record, if there is a whole one. False when there is no more to do now. */
  private receive(): bool {
    // What waits in the record buffer must not be written over: messages are taken from it at once.
    let wanted: u32 = RECORD_HEADER_BYTES;
    while (true) {
      if (this.received >= RECORD_HEADER_BYTES) {
        const alert = this.headerAlert();
        if (alert != 0) return this.fail(alert);
        wanted = RECORD_HEADER_BYTES + get16(this.record + 3);
        if (this.received == wanted) break;
      }
      const count = this.below.read(this.record + this.received, wanted - this.received);
      if (count == Errno.Again || count == 0) return false;
      if (count < 0) {
        this.end();
        return false;
      }
      this.received += min(<u32>count, wanted - this.received);
    }
    this.received = 0;
    const alert = this.takeRecord(get16(this.record + 3));
    return alert == 0 ? this.phase != Phase.Closed : this.fail(alert);
  }

  /** Of a record's header: what can't be is not waited for. */
  private headerAlert(): i32 {
    const type: u32 = load<u8>(this.record);
    const length = get16(this.record + 3);
    if (type < ContentType.ChangeCipherSpec || type > ContentType.ApplicationData) return Alert.UnexpectedMessage;
    // legacy_record_version is ignored (§5.1).
    if (length > RECORD_BYTES_MAX) return Alert.RecordOverflow;
    return length == 0 ? Alert.DecodeError : 0;
  }

  private takeRecord(length: u32): i32 {
    const type: u32 = load<u8>(this.record);
    const body = this.record + RECORD_HEADER_BYTES;
    const isDone = this.handshake.state == HandshakeState.Done;
    if (type == ContentType.ChangeCipherSpec) {
      // §5: one byte 1, for middleboxes' sake; never once the handshake is over, never within a message.
      return isDone || length != 1 || load<u8>(body) != 1 || !this.messages.isEmpty() ? Alert.UnexpectedMessage : 0;
    }
    if (this.handshake.state == HandshakeState.ServerHello) {
      if (length > FRAGMENT_BYTES_MAX) return Alert.RecordOverflow;
      return this.takeContent(type, body, length);
    }
    if (type != ContentType.ApplicationData) return Alert.UnexpectedMessage;
    const opened = this.handshake.reading.open(this.record, length);
    if (opened < 0) return Alert.BadRecordMac;
    if (opened == 0) return Alert.UnexpectedMessage; // §5.4
    if (<u32>opened > FRAGMENT_BYTES_MAX + 1) return Alert.RecordOverflow;
    return this.takeContent(load<u8>(body + opened - 1), body, opened - 1);
  }

  private takeContent(type: u32, body: usize, length: u32): i32 {
    if (type == ContentType.Handshake) {
      if (length == 0) return Alert.UnexpectedMessage; // §5.1
      this.messages.give(body, length);
      return this.takeMessages();
    }
    // Not between the parts of a message (§5.1).
    if (!this.messages.isEmpty()) return Alert.UnexpectedMessage;
    if (type == ContentType.Alert) return this.takeAlert(body, length);
    if (type != ContentType.ApplicationData || this.phase != Phase.Open) return Alert.UnexpectedMessage;
    this.content = body;
    this.contentBytes = length;
    return 0;
  }

  private takeMessages(): i32 {
    while (this.messages.next()) {
      const wasDone = this.handshake.state == HandshakeState.Done;
      const alert = this.handshake.take(this.messages.message, this.messages.length);
      if (alert != 0) return alert;
      if (this.handshake.changedKeys && !this.messages.isEmpty()) return Alert.UnexpectedMessage;
      if (!wasDone && this.handshake.state == HandshakeState.Done) {
        // It can't have read our ClientHello yet.
        if (this.outgoingBytes != 0) return Alert.UnexpectedMessage;
        this.establish();
      }
    }
    return this.messages.isTooLong() ? Alert.HandshakeFailure : 0;
  }

  private establish(): void {
    this.seal(ContentType.Handshake, this.handshake.writeFlight(this.outgoing + RECORD_HEADER_BYTES));
    this.handshake.useTrafficKeys();
    this.phase = Phase.Open;
    this.credentials.onEstablished(this.handshake.exporterSecret);
    memory.fill(this.handshake.exporterSecret, 0, 32);
  }

  /** §6: all but close_notify end the connection at once. */
  private takeAlert(body: usize, length: u32): i32 {
    if (length != 2) return Alert.DecodeError;
    const alert: i32 = load<u8>(body, 1);
    if (alert != Alert.CloseNotify && this.phase == Phase.Handshake) this.credentials.onFailed(alert, true);
    this.end();
    return 0;
  }

  // ---- the end -----------------------------------------------------------------------------------------------------

  /** Ends the connection by an alert of ours. */
  private fail(alert: i32): bool {
    const wasHandshake = this.phase == Phase.Handshake;
    if (this.outgoingBytes == 0) this.sendAlert(alert);
    this.end();
    if (wasHandshake) this.credentials.onFailed(alert, false);
    return false;
  }

  /** Nothing comes any more, and nothing is sent. */
  private end(): void {
    this.below.close();
    this.outgoingBytes = 0;
    this.phase = Phase.Closed;
  }
}
