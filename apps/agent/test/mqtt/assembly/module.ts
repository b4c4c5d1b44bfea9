// Test module: one MqttClient over HostStream, driven from TypeScript call by call.
import { HostStream } from "../../../src/host-stream";
import { MqttClient } from "../../../src/mqtt/client";
import { MqttSettings } from "../../../src/mqtt/settings";

/** Memory from here on is the test's: settings, topics, payloads. */
export const SPACE: usize = heap.alloc(1 << 16);

const settings = new MqttSettings();
let client: MqttClient = changetype<MqttClient>(0);

export function trap(message: usize, file: usize, line: u32, column: u32): void {
  unreachable();
}

/** The stub allocator's mark: what the next allocation would return. */
export function allocated(): usize {
  const ptr = heap.alloc(16);
  heap.free(ptr);
  return ptr;
}

export function create(seed: u32, incomingBytesMax: u32, outgoingBytes: u32, slotCount: u32, slotBytes: u32): void {
  client = new MqttClient(new HostStream(), settings, seed, incomingBytesMax, outgoingBytes, slotCount, slotBytes);
}

export function setHost(ptr: usize, length: u32, port: u32): void {
  settings.hostPtr = ptr;
  settings.hostLength = length;
  settings.port = port;
}
export function setClientId(ptr: usize, length: u32): void {
  settings.clientIdPtr = ptr;
  settings.clientIdLength = length;
}
export function setUserName(ptr: usize, length: u32): void {
  settings.userNamePtr = ptr;
  settings.userNameLength = length;
}
export function setPassword(ptr: usize, length: u32): void {
  settings.passwordPtr = ptr;
  settings.passwordLength = length;
}
export function setWillTopic(ptr: usize, length: u32): void {
  settings.willTopicPtr = ptr;
  settings.willTopicLength = length;
}
export function setWillPayload(ptr: usize, length: u32): void {
  settings.willPayloadPtr = ptr;
  settings.willPayloadLength = length;
}
export function setWill(qos: u32, retain: bool): void {
  settings.willQos = qos;
  settings.willRetain = retain;
}
export function setCleanSession(clean: bool): void {
  settings.cleanSession = clean;
}
export function setTimes(
  keepAliveS: u32,
  connectTimeoutMs: u32,
  ackTimeoutMs: u32,
  pingTimeoutMs: u32,
  backoffMinMs: u32,
  backoffMaxMs: u32,
  stableMs: u32,
): void {
  settings.keepAliveS = keepAliveS;
  settings.connectTimeoutMs = connectTimeoutMs;
  settings.ackTimeoutMs = ackTimeoutMs;
  settings.pingTimeoutMs = pingTimeoutMs;
  settings.backoffMinMs = backoffMinMs;
  settings.backoffMaxMs = backoffMaxMs;
  settings.stableMs = stableMs;
}

export function start(nowUs: i64): void {
  client.start(nowUs);
}
export function stop(nowUs: i64): void {
  client.stop(nowUs);
}
export function poll(nowUs: i64): i32 {
  return client.poll(nowUs);
}
export function nextWakeUs(nowUs: i64): i64 {
  return client.nextWakeUs(nowUs);
}
export function connected(): bool {
  return client.connected();
}
export function unacknowledged(): u32 {
  return client.unacknowledged();
}
export function forgetUnacknowledged(): void {
  client.forgetUnacknowledged();
}
export function subscribe(ptr: usize, length: u32, qos: u32, nowUs: i64): i32 {
  return client.subscribe(ptr, length, qos, nowUs);
}
export function publish(topic: usize, topicLength: u32, ptr: usize, length: u32, qos: u32, retain: bool): i32 {
  return client.publish(topic, topicLength, ptr, length, qos, retain);
}
export function beginPublish(topic: usize, topicLength: u32, max: u32, qos: u32, retain: bool): i32 {
  return client.beginPublish(topic, topicLength, max, qos, retain);
}
export function commitPublish(length: u32): i32 {
  return client.commitPublish(length);
}

export function reason(): i32 {
  return client.reason;
}
export function returnCode(): u32 {
  return client.returnCode;
}
export function packetId(): u32 {
  return client.packetId;
}
export function sessionPresent(): bool {
  return client.sessionPresent;
}
export function topicPtr(): usize {
  return client.topicPtr;
}
export function topicLength(): u32 {
  return client.topicLength;
}
export function payloadPtr(): usize {
  return client.payloadPtr;
}
export function payloadLength(): u32 {
  return client.payloadLength;
}
export function qos(): u32 {
  return client.qos;
}
export function retain(): bool {
  return client.retain;
}
export function duplicate(): bool {
  return client.duplicate;
}
export function skippedMessages(): u32 {
  return client.skippedMessages;
}
export function strayAcks(): u32 {
  return client.strayAcks;
}
export function attempts(): u32 {
  return client.attempts;
}
