// Receiver: cuts the incoming bytes into packets, one at a time, in one buffer. A PUBLISH longer than the buffer is
// skipped as it streams in; only its packet id is kept, for it still has to be acknowledged.

import { get16 } from "../big-endian";
import { Stream } from "../stream";
import { FIXED_HEADER_BYTES, Packet, headerValid, publishHeadBytes } from "./packet";

export namespace Received {
  export const NeedMore: i32 = 0;
  export const Packet: i32 = 1;
  export const Skipped: i32 = 2;
  export const Malformed: i32 = 3;
}

export class Receiver {
  /** The current packet: first byte, then the `length` bytes after the fixed header. */
  first: u32 = 0;
  body: usize = 0;
  length: u32 = 0;
  /** Packet id of the PUBLISH that was skipped; 0 at QoS 0. */
  skippedId: u32 = 0;

  private buffer: usize;
  private start: usize = 0;
  private end: usize = 0;
  /** While skipping: bytes of the body that are still to come, how many went by, and the topic's length. */
  private skipLeft: u32 = 0;
  private skipAt: u32 = 0;
  private skipTopicLength: u32 = 0;

  /** `bytesMax` bounds a packet's remaining length. */
  constructor(private bytesMax: u32) {
    this.buffer = heap.alloc(bytesMax + FIXED_HEADER_BYTES);
    this.reset();
  }

  reset(): void {
    this.start = this.buffer;
    this.end = this.buffer;
    this.skipLeft = 0;
  }

  /** Reads once from the stream, after `next` said NeedMore. As Stream.read. */
  fill(stream: Stream): i32 {
    const pending = <u32>(this.end - this.start);
    if (pending != 0 && this.start != this.buffer) memory.copy(this.buffer, this.start, pending);
    this.start = this.buffer;
    this.end = this.buffer + pending;
    // An incomplete packet always leaves room: it is no longer than the buffer.
    const room = this.bytesMax + FIXED_HEADER_BYTES - pending;
    const count = stream.read(this.end, room);
    if (count > 0) this.end += min(<u32>count, room);
    return count;
  }

  /** Steps to the next packet. The one before it is forgotten. */
  next(): i32 {
    if (this.skipLeft != 0) return this.skip();
    const available = <u32>(this.end - this.start);
    if (available < 2) return Received.NeedMore;
    const first: u32 = load<u8>(this.start);
    // 2.2.3: at most four bytes, the last of them without the continuation bit.
    let remaining: u32 = 0;
    let head: u32 = 1;
    for (let byte: u32 = 128; byte & 128; head++) {
      if (head == FIXED_HEADER_BYTES) return Received.Malformed;
      if (head == available) return Received.NeedMore;
      byte = load<u8>(this.start + head);
      remaining |= (byte & 127) << (7 * (head - 1));
    }
    if (!headerValid(first, remaining)) return Received.Malformed;
    this.first = first;
    if (remaining > this.bytesMax) {
      if ((first & 0xf0) != Packet.Publish) return Received.Malformed;
      this.start += head;
      this.length = remaining;
      this.skipLeft = remaining;
      this.skipAt = 0;
      this.skipTopicLength = 0;
      this.skippedId = 0;
      return this.skip();
    }
    if (available - head < remaining) return Received.NeedMore;
    this.body = this.start + head;
    this.length = remaining;
    this.start = this.body + remaining;
    return Received.Packet;
  }

  private skip(): i32 {
    const count = min(this.skipLeft, <u32>(this.end - this.start));
    this.skipTopicLength |= this.passing(0, count) << 8;
    this.skipTopicLength |= this.passing(1, count);
    const qos = (this.first >> 1) & 1;
    if (qos != 0) {
      // Before both bytes of the length went by, this looks at positions that can't be passing yet.
      const idAt = this.skipTopicLength + 2;
      this.skippedId |= this.passing(idAt, count) << 8;
      this.skippedId |= this.passing(idAt + 1, count);
    }
    this.start += count;
    this.skipAt += count;
    this.skipLeft -= count;
    if (this.skipLeft != 0) return Received.NeedMore;
    const topicLength = this.skipTopicLength;
    if (topicLength == 0 || publishHeadBytes(topicLength, qos) > this.length) return Received.Malformed;
    if (qos != 0 && this.skippedId == 0) return Received.Malformed; // [MQTT-2.3.1-1]
    return Received.Skipped;
  }

  /** The byte at `position` of the body being skipped, when it is among the `count` going by now, else 0. */
  private passing(position: u32, count: u32): u32 {
    const offset = position - this.skipAt;
    return offset < count ? load<u8>(this.start + offset) : 0;
  }

  /** The u16 at `offset` of the current packet's body. */
  u16(offset: u32): u32 {
    return get16(this.body + offset);
  }
}
