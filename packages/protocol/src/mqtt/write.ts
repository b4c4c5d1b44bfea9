// Packets as bytes. They are written as they are asked for, also where MQTT 3.1.1 does not allow that (a packet id 0,
// QoS 3): a hostile peer is made of the same packets.

import { fixedHeaderBytes, putFixedHeader } from "./fixed-header.ts";
import { PacketType } from "./packet.ts";
import type { Connect, Subscribe } from "./read.ts";

/** Section 3.2.2.3. */
export enum ConnectReturn {
  Accepted = 0,
  ProtocolVersion = 1,
  ClientId = 2,
  ServerUnavailable = 3,
  UserNameOrPassword = 4,
  NotAuthorized = 5,
}

export interface PublishOptions {
  /** 0 where none is given. */
  qos?: number;
  /** Written where QoS is not 0. */
  packetId?: number;
  isRetained?: boolean;
  isDuplicate?: boolean;
}

const encoder = new TextEncoder();
function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? encoder.encode(content) : content;
}

const u16 = (value: number): [number, number] => [value >> 8, value & 0xff];

/** Sections 1.5.3 and 3.1.3.3: its length, then itself. */
function field(content: string | Uint8Array): Uint8Array {
  const bytes = bytesOf(content);
  const whole = new Uint8Array(2 + bytes.length);
  whole.set(u16(bytes.length));
  whole.set(bytes, 2);
  return whole;
}

function packetOf(typeAndFlags: number, parts: readonly Uint8Array[]): Uint8Array {
  const remaining = parts.reduce((sum, part) => sum + part.length, 0);
  const packet = new Uint8Array(fixedHeaderBytes(remaining) + remaining);
  let at = putFixedHeader(packet, 0, typeAndFlags, remaining);
  for (const part of parts) {
    packet.set(part, at);
    at += part.length;
  }
  return packet;
}

/** Section 3.1. Written as it is given, like all here: a password without a user name, too. */
export function connectPacket({ clientId, isCleanSession, keepAliveS, will, userName, password }: Connect): Uint8Array {
  const flags =
    (isCleanSession ? 2 : 0) |
    (will === undefined ? 0 : 4 | (will.qos << 3) | (will.isRetained ? 0x20 : 0)) |
    (password === undefined ? 0 : 0x40) |
    (userName === undefined ? 0 : 0x80);
  const fields = [clientId, will?.topic, will?.payload, userName, password].filter((field) => field !== undefined);
  const parts = [field("MQTT"), Uint8Array.of(4, flags, ...u16(keepAliveS)), ...fields.map(field)];
  return packetOf(PacketType.Connect << 4, parts);
}

/** Section 3.2. */
export function connackPacket(code: ConnectReturn, isSessionPresent = false): Uint8Array {
  return Uint8Array.of(PacketType.Connack << 4, 2, Number(isSessionPresent), code);
}

/** How long a PUBLISH is, without its fixed header. */
function publishBody(topic: Uint8Array, payloadBytes: number, qos: number): number {
  return 2 + topic.length + (qos > 0 ? 2 : 0) + payloadBytes;
}

export function publishBytes(topic: Uint8Array, payload: Uint8Array, qos: number): number {
  const remaining = publishBody(topic, payload.length, qos);
  return fixedHeaderBytes(remaining) + remaining;
}

/** Writes what comes before the payload of a PUBLISH (section 3.3) and returns where it ends. The topic is UTF-8. */
function putPublishHead(
  target: Uint8Array,
  at: number,
  topic: Uint8Array,
  payloadBytes: number,
  { qos = 0, packetId = 0, isRetained = false, isDuplicate = false }: PublishOptions,
): number {
  const flags = (isDuplicate ? 8 : 0) | (qos << 1) | (isRetained ? 1 : 0);
  at = putFixedHeader(target, at, (PacketType.Publish << 4) | flags, publishBody(topic, payloadBytes, qos));
  target[at++] = topic.length >> 8;
  target[at++] = topic.length & 0xff;
  target.set(topic, at);
  at += topic.length;
  if (qos > 0) {
    target[at++] = packetId >> 8;
    target[at++] = packetId & 0xff;
  }
  return at;
}

/** What comes before the payload of a PUBLISH: where that is written by itself, and is many connections'. */
export function publishHead(topic: Uint8Array, payloadBytes: number, options: PublishOptions = {}): Uint8Array {
  const remaining = publishBody(topic, payloadBytes, options.qos ?? 0);
  const head = new Uint8Array(fixedHeaderBytes(remaining) + remaining - payloadBytes);
  putPublishHead(head, 0, topic, payloadBytes, options);
  return head;
}

/** Writes a PUBLISH (section 3.3) of `publishBytes` bytes and returns where it ends. The topic is UTF-8. */
export function putPublish(
  target: Uint8Array,
  at: number,
  topic: Uint8Array,
  payload: Uint8Array,
  options: PublishOptions,
): number {
  at = putPublishHead(target, at, topic, payload.length, options);
  target.set(payload, at);
  return at + payload.length;
}

type Content = string | Uint8Array;

export function publishPacket(topic: Content, payload: Content, options: PublishOptions = {}): Uint8Array {
  const [topicBytes, payloadBytes] = [bytesOf(topic), bytesOf(payload)];
  const packet = new Uint8Array(publishBytes(topicBytes, payloadBytes, options.qos ?? 0));
  putPublish(packet, 0, topicBytes, payloadBytes, options);
  return packet;
}

/** What acknowledges with a packet id alone (sections 3.4 to 3.7 and 3.11). */
export function acknowledgementPacket(type: PacketType, packetId: number): Uint8Array {
  return Uint8Array.of((type << 4) | (type === PacketType.Pubrel ? 2 : 0), 2, packetId >> 8, packetId & 0xff);
}

/** Section 3.4. */
export function pubackPacket(packetId: number): Uint8Array {
  return acknowledgementPacket(PacketType.Puback, packetId);
}

/** Section 3.8. */
export function subscribePacket({ packetId, filters }: Subscribe): Uint8Array {
  const parts = filters.flatMap(({ filter, qos }) => [field(filter), Uint8Array.of(qos)]);
  return packetOf((PacketType.Subscribe << 4) | 2, [Uint8Array.of(...u16(packetId)), ...parts]);
}

/** Section 3.9. `codes`: for each filter, in order, the granted QoS or 0x80. */
export function subackPacket(packetId: number, codes: readonly number[]): Uint8Array {
  const remaining = 2 + codes.length;
  const packet = new Uint8Array(fixedHeaderBytes(remaining) + remaining);
  let at = putFixedHeader(packet, 0, PacketType.Suback << 4, remaining);
  packet[at++] = packetId >> 8;
  packet[at++] = packetId & 0xff;
  packet.set(codes, at);
  return packet;
}

/** PINGREQ, PINGRESP or DISCONNECT (sections 3.12 to 3.14), which have no body. */
export function emptyPacket(type: PacketType): Uint8Array {
  return Uint8Array.of(type << 4, 0);
}
