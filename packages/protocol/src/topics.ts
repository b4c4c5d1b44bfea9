// Topics of the protocol and who may use them (docs/protocol.md, "Topics").

import { sha256 } from "#primitives";
import { DEVICE_ID_BYTES_MAX, TOPIC_ROOT } from "@flipside/image-format/portable/protocol-constants";

export const deviceLeaves = [
  "enrol",
  "hello",
  "proof",
  "check-in",
  "fetch",
  "state",
  "telemetry",
  "log",
  "answer",
  "gone",
] as const;
export const serverLeaves = ["enrolled", "challenge", "offer", "chunk", "trust", "command"] as const;
export type DeviceLeaf = (typeof deviceLeaves)[number];
export type ServerLeaf = (typeof serverLeaves)[number];

/** Chunks may get lost and are asked for again; all else of the server comes at least once. */
export const qosOf = (leaf: string): 0 | 1 => (leaf === "chunk" ? 0 : 1);

const deviceIdPattern = new RegExp(`^[a-z0-9-]{1,${DEVICE_ID_BYTES_MAX}}$`);

export const isDeviceId = (text: string): boolean => deviceIdPattern.test(text);

/** As two hex digits: the first byte of SHA-256 of the device id. */
export function shardOf(deviceId: string): string {
  return sha256(deviceId)[0]!.toString(16).padStart(2, "0");
}

export const SHARDS = 256;

/** As the topic names it, unchecked; of a topic that is no device's, whatever stands there. */
export const shardNamedBy = (topic: string): string => topic.slice(TOPIC_ROOT.length, TOPIC_ROOT.length + 2);

/** Of all of a device's topics: the leaf follows. */
export function topicPrefixOf(deviceId: string): string {
  return `${TOPIC_ROOT}${shardOf(deviceId)}/${deviceId}/`;
}

export function topicOf(deviceId: string, leaf: DeviceLeaf | ServerLeaf): string {
  return topicPrefixOf(deviceId) + leaf;
}

/** The leaf of a topic of the device whose prefix this is; undefined: it is no topic of its. */
export function leafBelow(topicPrefix: string, topic: string): DeviceLeaf | ServerLeaf | undefined {
  if (!topic.startsWith(topicPrefix)) return undefined;
  const leaf = topic.slice(topicPrefix.length);
  return isDeviceLeaf(leaf) || isServerLeaf(leaf) ? leaf : undefined;
}

/** Device and leaf of a well-formed topic (its shard is the device's), or undefined. */
export function parseTopic(topic: string): { deviceId: string; leaf: DeviceLeaf | ServerLeaf } | undefined {
  if (!topic.startsWith(TOPIC_ROOT)) return undefined;
  const parts = topic.slice(TOPIC_ROOT.length).split("/");
  if (parts.length !== 3) return undefined;
  const [shard, deviceId, leaf] = parts as [string, string, string];
  if (!isDeviceId(deviceId) || shardOf(deviceId) !== shard) return undefined;
  return isDeviceLeaf(leaf) || isServerLeaf(leaf) ? { deviceId, leaf } : undefined;
}

export const isDeviceLeaf = (leaf: string): leaf is DeviceLeaf => (deviceLeaves as readonly string[]).includes(leaf);

const isServerLeaf = (leaf: string): leaf is ServerLeaf => (serverLeaves as readonly string[]).includes(leaf);

export interface Principal {
  deviceId: string;
  /** Connected as `enrol.<device>`: nothing is known of it but the name that it gave. */
  enrolling: boolean;
}

/** What an enrolling device gives for a password, for brokers that take no empty one. No secret. */
export const ENROL_PASSWORD = "enrol";

/** Whom an MQTT user name stands for; undefined when it is no device's. `enrol:` is how older agents wrote it. */
export function principalOf(userName: string): Principal | undefined {
  const enrolling = /^enrol[.:]/.test(userName);
  const deviceId = enrolling ? userName.slice("enrol.".length) : userName;
  return isDeviceId(deviceId) ? { deviceId, enrolling } : undefined;
}

export const mayPublishLeaf = (who: Principal, leaf: DeviceLeaf | ServerLeaf): leaf is DeviceLeaf =>
  isDeviceLeaf(leaf) && (!who.enrolling || leaf === "enrol");

export const maySubscribeLeaf = (who: Principal, leaf: DeviceLeaf | ServerLeaf): leaf is ServerLeaf =>
  isServerLeaf(leaf) && (!who.enrolling || leaf === "enrolled");

export function mayPublish(who: Principal, topic: string): boolean {
  const parsed = parseTopic(topic);
  return parsed?.deviceId === who.deviceId && mayPublishLeaf(who, parsed.leaf);
}

export function maySubscribe(who: Principal, topic: string): boolean {
  const parsed = parseTopic(topic);
  return parsed?.deviceId === who.deviceId && maySubscribeLeaf(who, parsed.leaf);
}
