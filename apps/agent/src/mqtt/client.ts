// MqttClient: an MQTT 3.1.1 client (OASIS mqtt-v3.1.1-os) over a Stream, at QoS 0 and 1. Everything is allocated by
// the constructor. One call, `poll`, does whatever is due and tells one event; it never waits and does a bounded
// amount of work.
//
//   start ─► Waiting ──────► Opening ────► Greeting ────► Online ──► Leaving ─► Stopped
//              ▲ back-off     stream opens   CONNECT sent   CONNACK 0   `stop`
//              └───────────────┴──────────────┴─────────────┘ lost, refused, a deadline passed
//
// Delivery: an outgoing QoS 1 message is kept until PUBACK and sent again, with DUP, on the next connection, also into
// a fresh session: the receiver may see it twice, but not never. An incoming QoS 1 message is acknowledged by the
// `poll` after the one that delivered it, so by then its receiver is done with it.

import { put16 } from "../big-endian";
import { Errno, StreamState } from "../exokernel";
import { Stream } from "../stream";
import { Backoff } from "./backoff";
import { Outbox } from "./outbox";
import {
  Packet,
  PublishFlag,
  REMAINING_LENGTH_MAX,
  SUBSCRIPTION_REFUSED,
  publishHeadBytes,
  putField,
  putRemainingLength,
  remainingLengthBytes,
  stringValid,
  topicFilterValid,
  topicNameValid,
} from "./packet";
import { Received, Receiver } from "./receiver";
import { Sender } from "./sender";
import { MqttSettings } from "./settings";

/** What `poll` returns; `reason`, `returnCode`, `packetId` and the message's fields tell more. */
// biome-ignore format: a table, row by row
export namespace MqttEvent {
  export const None: i32 = 0;
  export const Connected: i32 = 1;      // sessionPresent; subscribe now unless it is set
  export const Disconnected: i32 = 2;   // reason; another attempt follows unless `stop` asked for this
  export const Refused: i32 = 3;        // returnCode of CONNACK (3.2.2.3); another attempt follows
  export const Message: i32 = 4;        // topic…, payload…, qos, retain, duplicate: valid until the next poll
  export const Subscribed: i32 = 5;     // packetId, returnCode: granted QoS, or 0x80 when refused
  export const Published: i32 = 6;      // packetId: the server has the QoS 1 message
}

/** Why a connection or an attempt ended. */
// biome-ignore format: a table, row by row
export namespace MqttReason {
  export const None: i32 = 0;
  export const Stopped: i32 = 1;        // `stop`
  export const Settings: i32 = 2;       // the settings make no valid CONNECT, or one that doesn't fit
  export const Unreachable: i32 = 3;    // the stream didn't open
  export const ConnectTimeout: i32 = 4;
  export const Closed: i32 = 5;         // by the server or the network
  export const PingTimeout: i32 = 6;
  export const AckTimeout: i32 = 7;
  export const Protocol: i32 = 8;       // the server sent what MQTT doesn't allow
  export const Useless: i32 = 9;        // `giveUp`
}

namespace State {
  export const Stopped: i32 = 0;
  export const Waiting: i32 = 1;
  export const Opening: i32 = 2;
  export const Greeting: i32 = 3;
  export const Online: i32 = 4;
  export const Leaving: i32 = 5;
}

const NEVER: i64 = i64.MAX_VALUE;
/** Subscriptions that may wait for SUBACK at a time. */
const SUBSCRIPTIONS_PENDING: i32 = 8;
/** Room kept for what the client itself sends: PUBACK, PINGREQ, DISCONNECT. */
const OWN_BYTES: u32 = 16;
/** Bounds on one poll. */
const READS_PER_POLL: i32 = 4;
const PACKETS_PER_POLL: i32 = 32;
/** How often a stream that opens, or takes no more bytes, is looked at: neither wakes the module. */
const STREAM_POLL_US: i64 = 10_000;

export class MqttClient {
  reason: i32 = MqttReason.None;
  returnCode: u32 = 0;
  packetId: u32 = 0;
  sessionPresent: bool = false;

  topicPtr: usize = 0;
  topicLength: u32 = 0;
  payloadPtr: usize = 0;
  payloadLength: u32 = 0;
  qos: u32 = 0;
  retain: bool = false;
  duplicate: bool = false;

  /** Incoming messages that were longer than the maximum and were skipped. */
  skippedMessages: u32 = 0;
  /** PUBACK and SUBACK for nothing that was waiting. */
  strayAcks: u32 = 0;
  /** Connection attempts. */
  attempts: u32 = 0;
  /** PINGRESP that came. */
  pongs: u32 = 0;

  private state: i32 = State.Stopped;
  private receiver: Receiver;
  private sender: Sender;
  private outbox: Outbox;
  private backoff: Backoff;

  private retryUs: i64 = NEVER;
  /** For the connection, then for PINGRESP, then for leaving. */
  private deadlineUs: i64 = NEVER;
  private onlineUs: i64 = 0;
  private sentUs: i64 = 0;
  private receivedUs: i64 = 0;
  /** The last poll found no end of work. */
  private busy: bool = false;
  /** The stream takes no more bytes, though it may still have some to read. */
  private deaf: bool = false;
  private lastId: u32 = 0;
  /** Packet id of the delivered message that is to be acknowledged; 0 for none. */
  private ackId: u32 = 0;
  private subscriptionIds: StaticArray<u32> = new StaticArray<u32>(SUBSCRIPTIONS_PENDING);
  private subscriptionsUs: StaticArray<i64> = new StaticArray<i64>(SUBSCRIPTIONS_PENDING);

  // The publication between beginPublish and commitPublish.
  private draft: usize = 0;
  private draftTopicLength: u32 = 0;
  private draftFlags: u32 = 0;
  private draftPayloadMax: u32 = 0;

  /**
   * incomingBytesMax bounds topic and payload of an incoming message, outgoingBytes what waits for the stream
   * (CONNECT and the longest publication must fit), slotCount and slotBytes the QoS 1 messages not yet acknowledged.
   * `seed` is random: it spreads the back-off of a fleet.
   */
  constructor(
    private stream: Stream,
    readonly settings: MqttSettings,
    seed: u32,
    incomingBytesMax: u32 = 8192,
    outgoingBytes: u32 = 4096,
    slotCount: u32 = 4,
    slotBytes: u32 = 1024,
  ) {
    this.receiver = new Receiver(max<u32>(incomingBytesMax, 16) + 4); // topic length and packet id
    this.sender = new Sender(max(outgoingBytes, slotBytes) + OWN_BYTES);
    this.outbox = new Outbox(slotCount, slotBytes);
    this.backoff = new Backoff(seed);
  }

  /** Connects at `atUs` and stays connected. Counts only when stopped: at first, and after Disconnected(Stopped). */
  start(atUs: i64): void {
    if (this.state != State.Stopped) return;
    this.backoff.reset();
    this.retryUs = atUs;
    this.state = State.Waiting;
  }

  /**
   * Says DISCONNECT, so that the server drops the last will, and stops when what waits is sent or the deadline
   * passed; Disconnected tells. A second call doesn't wait for that. QoS 1 messages are kept for the next `start`.
   */
  stop(nowUs: i64): void {
    if (this.state == State.Stopped) return;
    this.draft = 0;
    this.deadlineUs = nowUs;
    if (this.state == State.Online) {
      if (this.ackId != 0) this.putAck(this.ackId);
      if (this.put2(Packet.Disconnect)) this.deadlineUs += milliseconds(this.settings.pingTimeoutMs);
    } else this.deaf = true; // nothing was promised to the server yet
    this.state = State.Leaving;
  }

  /**
   * Ends a connection that is up and brings nothing: unlike one that is lost, it doesn't start the back-off over,
   * however long it lasted. The server publishes the last will.
   */
  giveUp(nowUs: i64): void {
    if (this.state != State.Online) return;
    this.onlineUs = nowUs;
    this.draft = 0;
    this.lose(nowUs, MqttReason.Useless);
  }

  connected(): bool {
    return this.state == State.Online;
  }

  /** QoS 1 messages not yet acknowledged by the server. */
  unacknowledged(): u32 {
    return this.outbox.count;
  }

  /** Gives up on them: they are not sent again. */
  forgetUnacknowledged(): void {
    this.draft = 0;
    this.outbox.clear();
  }

  // ---- sending -----------------------------------------------------------------------------------------------------

  /**
   * Starts a PUBLISH whose payload is written in place: its address (> 0), with room for payloadMax bytes, until
   * commitPublish or the next poll. Errno.Again when there is no room now, Errno.Closed for QoS 0 without a
   * connection (QoS 1 is kept for the next one), Errno.Argument for a bad topic or what can never fit.
   */
  beginPublish(topicPtr: usize, topicLength: u32, payloadMax: u32, qos: u32, retain: bool): i32 {
    this.draft = 0;
    if (qos > 1 || payloadMax > REMAINING_LENGTH_MAX - 0xffff - 4) return Errno.Argument;
    if (!topicNameValid(topicPtr, topicLength)) return Errno.Argument;
    const head = publishHeadBytes(topicLength, qos);
    const prefix: u32 = 1 + remainingLengthBytes(head + payloadMax);
    const total = prefix + head + payloadMax;
    let at: usize;
    if (qos == 0) {
      if (total > this.sender.capacity - OWN_BYTES) return Errno.Argument;
      if (this.state != State.Online) return Errno.Closed;
      at = this.room(total);
    } else {
      if (total > this.outbox.slotBytes) return Errno.Argument;
      at = this.outbox.reserve();
    }
    if (at == 0) return Errno.Again;
    this.draft = at;
    this.draftTopicLength = topicLength;
    this.draftPayloadMax = payloadMax;
    this.draftFlags = (qos ? PublishFlag.Qos1 : 0) | (retain ? PublishFlag.Retain : 0);
    return <i32>(putField(at + prefix, topicPtr, topicLength) + (qos ? 2 : 0));
  }

  /** Sends it with the first payloadLength bytes: packet id at QoS 1, 0 at QoS 0, Errno.Argument without a draft. */
  commitPublish(payloadLength: u32): i32 {
    const at = this.draft;
    if (at == 0 || payloadLength > this.draftPayloadMax) return Errno.Argument;
    this.draft = 0;
    const qos = this.draftFlags & PublishFlag.Qos1 ? 1 : 0;
    const head = publishHeadBytes(this.draftTopicLength, qos);
    const remaining = head + payloadLength;
    const from = at + 1 + remainingLengthBytes(head + this.draftPayloadMax);
    store<u8>(at, Packet.Publish | this.draftFlags);
    const to = putRemainingLength(at + 1, remaining);
    if (to != from) memory.copy(to, from, remaining);
    const length = <u32>(to - at) + remaining;
    if (qos == 0) {
      this.sender.commit(length);
      return 0;
    }
    const id = this.newId();
    put16(to + head - 2, id);
    this.outbox.commit(length, id);
    return <i32>id;
  }

  /** beginPublish and commitPublish with a payload that lies elsewhere. */
  publish(topicPtr: usize, topicLength: u32, payloadPtr: usize, payloadLength: u32, qos: u32, retain: bool): i32 {
    const at = this.beginPublish(topicPtr, topicLength, payloadLength, qos, retain);
    if (at < 0) return at;
    memory.copy(<usize>at, payloadPtr, payloadLength);
    return this.commitPublish(payloadLength);
  }

  /**
   * Asks for one filter (3.8) at QoS 0 or 1: packet id, Errno.Closed without a connection, Errno.Again when there is
   * no room now, Errno.Argument for a bad filter. Subscribed tells the answer. Asked for again after a reconnection
   * without sessionPresent.
   */
  subscribe(filterPtr: usize, filterLength: u32, qos: u32, nowUs: i64): i32 {
    this.draft = 0;
    if (qos > 1 || !topicFilterValid(filterPtr, filterLength)) return Errno.Argument;
    if (this.state != State.Online) return Errno.Closed;
    const remaining = filterLength + 5;
    const total: u32 = 1 + remainingLengthBytes(remaining) + remaining;
    if (total > this.sender.capacity - OWN_BYTES) return Errno.Argument;
    const index = this.pendingSubscription(0);
    if (index < 0) return Errno.Again;
    const start = this.room(total);
    if (start == 0) return Errno.Again;
    const id = this.newId();
    store<u8>(start, Packet.Subscribe);
    const at = putField(put16(putRemainingLength(start + 1, remaining), id), filterPtr, filterLength);
    store<u8>(at, qos);
    this.sender.commit(total);
    unchecked((this.subscriptionIds[index] = id));
    unchecked((this.subscriptionsUs[index] = nowUs));
    return <i32>id;
  }

  /** Asks for a PINGRESP, which `pongs` counts; no deadline is set for it. False without a connection, or room now. */
  ping(): bool {
    return this.state == State.Online && this.put2(Packet.Pingreq);
  }

  // ---- running -----------------------------------------------------------------------------------------------------

  /** Does what is due and returns an MqttEvent. Call again until None; then sleep until nextWakeUs. */
  poll(nowUs: i64): i32 {
    this.busy = false;
    this.draft = 0;
    const event = this.advance(nowUs);
    if (event != MqttEvent.None) this.busy = true;
    return event;
  }

  /** When poll wants to be called again; i64.MAX_VALUE for never. What arrives on the stream wakes earlier. */
  nextWakeUs(nowUs: i64): i64 {
    if (this.busy) return nowUs;
    const state = this.state;
    if (state == State.Stopped) return NEVER;
    if (state == State.Waiting) return max(this.retryUs, nowUs);
    let wakeUs = this.deadlineUs;
    if (state == State.Opening || !this.sender.empty()) wakeUs = min(wakeUs, nowUs + STREAM_POLL_US);
    if (state == State.Online) {
      wakeUs = min(wakeUs, this.ackDeadlineUs());
      // While a PINGRESP is awaited, no other ping is due.
      if (this.deadlineUs == NEVER) wakeUs = min(wakeUs, this.pingUs());
      // Something was accepted since the last poll.
      if (this.outbox.nextQueued() && this.sender.room() >= this.outbox.queuedLength + OWN_BYTES) wakeUs = nowUs;
    }
    return max(wakeUs, nowUs);
  }

  private advance(nowUs: i64): i32 {
    const state = this.state;
    if (state == State.Stopped) return MqttEvent.None;
    if (state == State.Waiting) return nowUs < this.retryUs ? MqttEvent.None : this.open(nowUs);
    if (state == State.Opening) return this.opening(nowUs);
    if (state == State.Leaving) return this.leaving(nowUs);
    if (this.ackId != 0 && this.putAck(this.ackId)) this.ackId = 0;
    if (state == State.Online) this.pump(nowUs);
    this.flush(nowUs);
    const event = this.receive(nowUs);
    if (event != MqttEvent.None) return event;
    // A deadline passes only once nothing more was there to read: after a long sleep the answer may have come.
    if (nowUs >= this.deadlineUs) {
      return this.lose(nowUs, state == State.Online ? MqttReason.PingTimeout : MqttReason.ConnectTimeout);
    }
    if (state == State.Online && nowUs >= this.ackDeadlineUs()) return this.lose(nowUs, MqttReason.AckTimeout);
    this.flush(nowUs);
    return MqttEvent.None;
  }

  private open(nowUs: i64): i32 {
    const settings = this.settings;
    this.attempts++;
    this.receiver.reset();
    this.deaf = false;
    this.sessionPresent = false;
    // What can't be said is not connected for; a password may come with the channel, so it is written again then.
    if (!this.putConnect()) return this.refuseSettings();
    this.deadlineUs = nowUs + milliseconds(settings.connectTimeoutMs);
    this.state = State.Opening;
    if (this.stream.open(settings.hostPtr, settings.hostLength, settings.port) < 0) {
      return this.lose(nowUs, MqttReason.Unreachable);
    }
    return MqttEvent.None;
  }

  private refuseSettings(): i32 {
    this.state = State.Stopped;
    this.reason = MqttReason.Settings;
    return MqttEvent.Disconnected;
  }

  private opening(nowUs: i64): i32 {
    const streamState = this.stream.state();
    if (streamState == StreamState.Open) {
      if (!this.putConnect()) {
        this.lose(nowUs, MqttReason.Settings);
        return this.refuseSettings();
      }
      this.state = State.Greeting;
      this.busy = true;
      return MqttEvent.None;
    }
    if (streamState != StreamState.Connecting) return this.lose(nowUs, MqttReason.Unreachable);
    if (nowUs >= this.deadlineUs) return this.lose(nowUs, MqttReason.ConnectTimeout);
    return MqttEvent.None;
  }

  private leaving(nowUs: i64): i32 {
    this.flush(nowUs);
    if (!this.sender.empty() && !this.deaf && nowUs < this.deadlineUs) return MqttEvent.None;
    return this.lose(nowUs, MqttReason.Stopped);
  }

  /** Moves queued publications into the sender, and PINGREQ when it is due. */
  private pump(nowUs: i64): void {
    const outbox = this.outbox;
    while (outbox.nextQueued()) {
      const length = outbox.queuedLength;
      const at = this.room(length);
      if (at == 0) break;
      memory.copy(at, outbox.queuedPacket, length);
      this.sender.commit(length);
      outbox.sent(nowUs);
    }
    if (this.deadlineUs == NEVER && nowUs >= this.pingUs() && this.put2(Packet.Pingreq)) {
      this.deadlineUs = nowUs + milliseconds(this.settings.pingTimeoutMs);
    }
  }

  private flush(nowUs: i64): void {
    if (this.deaf) return;
    const taken = this.sender.flush(this.stream);
    if (taken > 0) this.sentUs = nowUs;
    // What the server said before it closed is still worth reading: a refusal, for one.
    else if (taken < 0) this.deaf = true;
  }

  private receive(nowUs: i64): i32 {
    const receiver = this.receiver;
    let reads = READS_PER_POLL;
    for (let packets = PACKETS_PER_POLL; packets > 0; packets--) {
      // Whatever comes next may want an acknowledgement.
      if (this.sender.room() < OWN_BYTES / 2) {
        this.flush(nowUs);
        if (this.sender.room() < OWN_BYTES / 2 && !this.deaf) return MqttEvent.None;
      }
      let received = receiver.next();
      while (received == Received.NeedMore) {
        if (reads-- == 0) {
          this.busy = true;
          return MqttEvent.None;
        }
        const count = receiver.fill(this.stream);
        if (count > 0) this.heard(nowUs);
        else if (count == 0 || count == Errno.Again)
          return this.deaf ? this.lose(nowUs, MqttReason.Closed) : MqttEvent.None;
        else return this.lose(nowUs, MqttReason.Closed);
        received = receiver.next();
      }
      const event = this.take(received, nowUs);
      if (event != MqttEvent.None) return event;
    }
    this.busy = true;
    return MqttEvent.None;
  }

  /** Bytes are life: an answer may be on its way behind many of them. */
  private heard(nowUs: i64): void {
    this.receivedUs = nowUs;
    if (this.state == State.Online && this.deadlineUs != NEVER)
      this.deadlineUs = max(this.deadlineUs, nowUs + milliseconds(this.settings.pingTimeoutMs));
  }

  private take(received: i32, nowUs: i64): i32 {
    if (received == Received.Malformed) return this.lose(nowUs, MqttReason.Protocol);
    const receiver = this.receiver;
    const first = receiver.first;
    if (this.state == State.Greeting) {
      // The first packet is CONNACK [MQTT-3.2.0-1].
      if (received == Received.Packet && first == Packet.Connack) return this.takeConnack(nowUs);
      return this.lose(nowUs, MqttReason.Protocol);
    }
    if (received == Received.Skipped) {
      this.skippedMessages++;
      if (receiver.skippedId != 0) this.putAck(receiver.skippedId);
      return MqttEvent.None;
    }
    if ((first & 0xf0) == Packet.Publish) return this.takePublish(nowUs);
    if (first == Packet.Puback) {
      const id = receiver.u16(0);
      if (this.outbox.acknowledge(id)) {
        this.packetId = id;
        return MqttEvent.Published;
      }
      this.strayAcks++;
      return MqttEvent.None;
    }
    if (first == Packet.Suback) return this.takeSuback(nowUs);
    if (first == Packet.Pingresp) {
      this.pongs++;
      this.deadlineUs = NEVER;
      return MqttEvent.None;
    }
    return this.lose(nowUs, MqttReason.Protocol); // a second CONNACK
  }

  private takeConnack(nowUs: i64): i32 {
    const flags = <u32>load<u8>(this.receiver.body);
    const code = <u32>load<u8>(this.receiver.body, 1);
    // 3.2.2.1: reserved bits; 3.2.2.3: codes above 5 are reserved. A session is present only if one was asked for and
    // the connection accepted [MQTT-3.2.2-1] [MQTT-3.2.2-4].
    if (flags > 1 || code > 5) return this.lose(nowUs, MqttReason.Protocol);
    if (flags == 1 && (code != 0 || this.settings.cleanSession)) return this.lose(nowUs, MqttReason.Protocol);
    this.returnCode = code;
    if (code != 0) {
      this.lose(nowUs, MqttReason.None);
      return MqttEvent.Refused;
    }
    this.sessionPresent = flags == 1;
    this.state = State.Online;
    this.deadlineUs = NEVER;
    this.onlineUs = nowUs;
    return MqttEvent.Connected;
  }

  private takePublish(nowUs: i64): i32 {
    const receiver = this.receiver;
    const qos = (receiver.first >> 1) & 1;
    const topicLength = receiver.u16(0);
    const head = publishHeadBytes(topicLength, qos);
    if (head > receiver.length) return this.lose(nowUs, MqttReason.Protocol);
    const topicPtr = receiver.body + 2;
    if (!topicNameValid(topicPtr, topicLength)) return this.lose(nowUs, MqttReason.Protocol);
    if (qos != 0) {
      this.ackId = receiver.u16(head - 2);
      if (this.ackId == 0) return this.lose(nowUs, MqttReason.Protocol); // [MQTT-2.3.1-1]
    }
    this.topicPtr = topicPtr;
    this.topicLength = topicLength;
    this.payloadPtr = receiver.body + head;
    this.payloadLength = receiver.length - head;
    this.qos = qos;
    this.retain = (receiver.first & PublishFlag.Retain) != 0;
    this.duplicate = (receiver.first & PublishFlag.Dup) != 0;
    return MqttEvent.Message;
  }

  private takeSuback(nowUs: i64): i32 {
    const id = this.receiver.u16(0);
    const code = <u32>load<u8>(this.receiver.body, 2);
    if (code > 1 && code != SUBSCRIPTION_REFUSED) return this.lose(nowUs, MqttReason.Protocol); // [MQTT-3.9.3-2]
    const index = id ? this.pendingSubscription(id) : -1;
    if (index < 0) {
      this.strayAcks++;
      return MqttEvent.None;
    }
    unchecked((this.subscriptionIds[index] = 0));
    this.packetId = id;
    this.returnCode = code;
    return MqttEvent.Subscribed;
  }

  /** Ends the connection and plans the next one, unless `stop` was called. */
  private lose(nowUs: i64, reason: i32): i32 {
    if (this.state == State.Online && nowUs - this.onlineUs >= milliseconds(this.settings.stableMs)) {
      this.backoff.reset();
    }
    this.stream.close();
    this.outbox.rewind();
    this.ackId = 0;
    for (let i = 0; i < SUBSCRIPTIONS_PENDING; i++) unchecked((this.subscriptionIds[i] = 0));
    this.reason = reason;
    this.deadlineUs = NEVER;
    if (reason == MqttReason.Stopped) this.state = State.Stopped;
    else {
      this.state = State.Waiting;
      this.retryUs = nowUs + this.backoff.nextUs(this.settings.backoffMinMs, this.settings.backoffMaxMs);
    }
    return MqttEvent.Disconnected;
  }

  // ---- deadlines ---------------------------------------------------------------------------------------------------

  /**
   * When to send PINGREQ: before the server's 1.5 keep-alive periods end [MQTT-3.1.2-24] whatever we sent, and also
   * when nothing was heard, for a dead peer takes bytes for a long time.
   */
  private pingUs(): i64 {
    const keepAliveMs = this.settings.keepAliveS * 1000;
    if (keepAliveMs == 0) return NEVER;
    return min(this.sentUs, this.receivedUs) + milliseconds(keepAliveMs - (keepAliveMs >> 2));
  }

  private ackDeadlineUs(): i64 {
    let oldestUs = this.outbox.oldestSentUs();
    for (let i = 0; i < SUBSCRIPTIONS_PENDING; i++) {
      if (unchecked(this.subscriptionIds[i]) != 0) oldestUs = min(oldestUs, unchecked(this.subscriptionsUs[i]));
    }
    if (oldestUs == NEVER) return NEVER;
    const timeoutUs = milliseconds(this.settings.ackTimeoutMs);
    return min(max(oldestUs, this.receivedUs) + timeoutUs, oldestUs + (timeoutUs << 2));
  }

  // ---- packets -----------------------------------------------------------------------------------------------------

  /** CONNECT (3.1) as the first bytes of the connection; false when the settings don't allow one. */
  private putConnect(): bool {
    const settings = this.settings;
    const userName = settings.userNameLength != 0;
    const password = settings.passwordLength != 0;
    const will = settings.willTopicLength != 0;
    if (password && !userName) return false; // [MQTT-3.1.2-22]
    if (settings.clientIdLength == 0 && !settings.cleanSession) return false; // [MQTT-3.1.3-7]
    if (settings.willQos > 1 || settings.keepAliveS > 0xffff) return false;
    if (!stringValid(settings.clientIdPtr, settings.clientIdLength)) return false;
    if (!stringValid(settings.userNamePtr, settings.userNameLength)) return false;
    if (will && !topicNameValid(settings.willTopicPtr, settings.willTopicLength)) return false;
    if ((settings.passwordLength | settings.willPayloadLength) > 0xffff) return false;

    let remaining: u32 = 12 + settings.clientIdLength;
    let flags: u32 = settings.cleanSession ? 2 : 0; // 3.1.2.3
    if (will) {
      remaining += 4 + settings.willTopicLength + settings.willPayloadLength;
      flags |= 4 | (settings.willQos << 3) | (settings.willRetain ? 32 : 0);
    }
    if (userName) {
      remaining += 2 + settings.userNameLength;
      flags |= 128;
    }
    if (password) {
      remaining += 2 + settings.passwordLength;
      flags |= 64;
    }
    const total: u32 = 1 + remainingLengthBytes(remaining) + remaining;
    this.sender.reset();
    const start = this.room(total);
    if (start == 0) return false;
    store<u8>(start, Packet.Connect);
    let at = putRemainingLength(start + 1, remaining);
    store<u32>(at, 0x514d0400); // protocol name "MQTT" (3.1.2.1), in memory order
    store<u32>(at, 0x00045454, 4); // "TT", level 4 (3.1.2.2); the flags' place
    store<u8>(at, flags, 7);
    at = putField(put16(at + 8, settings.keepAliveS), settings.clientIdPtr, settings.clientIdLength);
    if (will) {
      at = putField(at, settings.willTopicPtr, settings.willTopicLength);
      at = putField(at, settings.willPayloadPtr, settings.willPayloadLength);
    }
    if (userName) at = putField(at, settings.userNamePtr, settings.userNameLength);
    if (password) putField(at, settings.passwordPtr, settings.passwordLength);
    this.sender.commit(total);
    return true;
  }

  /** A packet without variable header. */
  private put2(first: u32): bool {
    const at = this.sender.reserve(2);
    if (at == 0) return false;
    store<u16>(at, first); // remaining length 0
    this.sender.commit(2);
    return true;
  }

  private putAck(id: u32): bool {
    const at = this.sender.reserve(4);
    if (at == 0) return false;
    store<u16>(at, (2 << 8) | Packet.Puback);
    put16(at + 2, id);
    this.sender.commit(4);
    return true;
  }

  /** Room in the sender, beyond what the client itself may need; 0 when there is none. */
  private room(length: u32): usize {
    return this.sender.room() < length + OWN_BYTES ? 0 : this.sender.reserve(length);
  }

  /** Not 0 and not in use (2.3.1). */
  private newId(): u32 {
    do {
      this.lastId = this.lastId == 0xffff ? 1 : this.lastId + 1;
    } while (this.outbox.holds(this.lastId) || this.pendingSubscription(this.lastId) >= 0);
    return this.lastId;
  }

  /** Index of the pending subscription with this id (0: of a free place), or -1. */
  private pendingSubscription(id: u32): i32 {
    for (let i = 0; i < SUBSCRIPTIONS_PENDING; i++) if (unchecked(this.subscriptionIds[i]) == id) return i;
    return -1;
  }
}

function milliseconds(count: u32): i64 {
  return <i64>count * 1000;
}
