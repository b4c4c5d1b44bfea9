// MQTT 3.1.1 control packets as bytes (OASIS mqtt-v3.1.1-os; sections and statement numbers in comments).
//
//   fixed header (2.2)    byte 1: type in the high half, flags in the low half
//                         bytes 2..5: remaining length, seven bits a byte, low bits first (2.2.3)
//   integers (1.5.2)      big-endian      strings (1.5.3)  u16 length, then UTF-8

import { put16, putBytes } from "../big-endian";
import { utf8Sequence } from "../text/utf8";

/** First bytes: packet type with the flags that 2.2.2 reserves for it. PUBLISH has flags of its own. */
// biome-ignore format: a table, row by row
export namespace Packet {
  export const Connect: u32 = 0x10;
  export const Connack: u32 = 0x20;
  export const Publish: u32 = 0x30;
  export const Puback: u32 = 0x40;
  export const Subscribe: u32 = 0x82;
  export const Suback: u32 = 0x90;
  export const Pingreq: u32 = 0xc0;
  export const Pingresp: u32 = 0xd0;
  export const Disconnect: u32 = 0xe0;
}

/** Flags in the first byte of PUBLISH (3.3.1). */
export namespace PublishFlag {
  export const Retain: u32 = 1;
  export const Qos1: u32 = 2;
  export const Dup: u32 = 8;
}

/** What a subscription the server refused is answered with (3.9.3). */
export const SUBSCRIPTION_REFUSED: u32 = 0x80;

/** The longest remaining length, in four bytes (2.2.3). */
export const REMAINING_LENGTH_MAX: u32 = 268_435_455;

/** Fixed header at its longest. */
export const FIXED_HEADER_BYTES: u32 = 5;

export function remainingLengthBytes(length: u32): u32 {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4;
}

/** Writes a remaining length and returns where it ends. */
export function putRemainingLength(at: usize, length: u32): usize {
  while (length > 127) {
    store<u8>(at++, (length & 127) | 128);
    length >>= 7;
  }
  store<u8>(at, length);
  return at + 1;
}

/** Writes a string or binary field, length first, and returns where it ends. */
export function putField(at: usize, ptr: usize, length: u32): usize {
  return putBytes(put16(at, length), ptr, length);
}

/** A string field's bytes: at most 65,535 of UTF-8 without U+0000 (1.5.3). */
export function stringValid(ptr: usize, length: u32): bool {
  if (length > 0xffff) return false;
  const end = ptr + length;
  while (ptr < end) {
    if (load<u8>(ptr) == 0) return false; // [MQTT-1.5.3-2]
    const step = utf8Sequence(ptr, end);
    if (step == 0) return false; // [MQTT-1.5.3-1]
    ptr += step;
  }
  return true;
}

/** A topic filter's or name's bytes: a string of at least one character [MQTT-4.7.3-1]. */
export function topicFilterValid(ptr: usize, length: u32): bool {
  return length != 0 && stringValid(ptr, length);
}

/** A topic name's bytes: as a filter's, and without wildcards [MQTT-3.3.2-2]. */
export function topicNameValid(ptr: usize, length: u32): bool {
  if (!topicFilterValid(ptr, length)) return false;
  for (let i: u32 = 0; i < length; i++) {
    const char = load<u8>(ptr + i);
    if (char == 0x23 || char == 0x2b) return false; // # +
  }
  return true;
}

/** Whether a server may send such a fixed header to a client that subscribes one filter at a time, at QoS 0 or 1. */
export function headerValid(first: u32, remaining: u32): bool {
  if (first == Packet.Connack || first == Packet.Puback) return remaining == 2; // 3.2.1, 3.4.1
  if (first == Packet.Suback) return remaining == 3; // 3.9: packet id and one return code
  if (first == Packet.Pingresp) return remaining == 0; // 3.13.1
  if ((first & 0xf0) != Packet.Publish) return false; // among others the reserved flags of [MQTT-2.2.2-2]
  const qos = (first >> 1) & 3;
  if (qos > 1) return false; // 3 is malformed [MQTT-3.3.1-4]; 2 was never asked for (3.8.4)
  if (qos == 0 && first & PublishFlag.Dup) return false; // [MQTT-3.3.1-2]
  return remaining >= qos * 2 + 3; // a topic of one byte, and the packet id
}

/** What every PUBLISH has before its payload: topic field, and packet id at QoS 1. */
export function publishHeadBytes(topicLength: u32, qos: u32): u32 {
  return 2 + topicLength + (qos ? 2 : 0);
}
