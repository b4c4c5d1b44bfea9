// Packets as bytes. They are written as they are asked for, also where MQTT 3.1.1 does not allow that (a packet id 0,
// QoS 3): a hostile peer is made of the same packets.

import { fixedHeaderBytes, putFixedHeader } from "./fixed-header.ts";
import { PacketType } from "./packet.ts";

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

/** Section 3.2. */
export function connackPacket(code: ConnectReturn, isSessionPresent = false): Uint8Array {
  return Uint8Array.of(PacketType.Connack << 4, 2, Number(isSessionPresent), code);
}

/** How long a PUBLISH is, without its fixed header. */
function publishBody(topic: Uint8Array, payload: Uint8Array, qos: number): number {
  return 2 + topic.length + (qos > 0 ? 2 : 0) + payload.length;
}

export function publishBytes(topic: Uint8Array, payload: Uint8Array, qos: number): number {
  const remaining = publishBody(topic, payload, qos);
  return fixedHeaderBytes(remaining) + remaining;
}

/** Writes a PUBLISH (section 3.3) of `publishBytes` bytes and returns where it ends. The topic is UTF-8. */
export function putPublish(
  target: Uint8Array,
  at: number,
  topic: Uint8Array,
  payload: Uint8Array,
  options: PublishOptions,
): number {
  const { qos = 0, packetId = 0, isRetained = false, isDuplicate = false } = options;
  const flags = (isDuplicate ? 8 : 0) | (qos << 1) | (isRetained ? 1 : 0);
  at = putFixedHeader(target, at, (PacketType.Publish << 4) | flags, publishBody(topic, payload, qos));
  target[at++] = topic.length >> 8;
  target[at++] = topic.length & 0xff;
  target.set(topic, at);
  at += topic.length;
  if (qos > 0) {
    target[at++] = packetId >> 8;
    target[at++] = packetId & 0xff;
  }
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
