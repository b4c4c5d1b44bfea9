// What asks for the pieces of an update, on a real MQTT client whose stream is the target's. AssemblyScript.

import { Leaf, Mailbox } from "../../../apps/agent/src/session/mailbox";
import { BootControlLog } from "../../../apps/agent/src/boot-control/log";
import { Errno, StreamState } from "../../../apps/agent/src/exokernel";
import { Settings } from "../../../apps/agent/src/identity/settings";
import { JsonReader } from "../../../apps/agent/src/json/reader";
import { MqttClient, MqttEvent } from "../../../apps/agent/src/mqtt/client";
import { MqttSettings } from "../../../apps/agent/src/mqtt/settings";
import { BootState } from "../../../apps/agent/src/boot-state";
import { Measurement } from "../../../apps/agent/src/session/measurement";
import { Session } from "../../../apps/agent/src/session/session";
import { TrustStore } from "../../../apps/agent/src/trust/trust-store";
import { Stream } from "../../../apps/agent/src/stream";
import { ChunkFetch } from "../../../apps/agent/src/update/chunk-fetch";
import { Deployment } from "../../../apps/agent/src/update/deployment";

/** What the server sent and was not read, what the device sent since the target looked. */
export const given: usize = memory.data(64, 8);
export const sent: usize = memory.data(4096, 8);
let givenBytes: u32 = 0;
let sentBytes: u32 = 0;
let takes: bool = true;

class TargetStream extends Stream {
  isOpen: bool = false;
  open(_hostPtr: usize, _hostLength: u32, _port: u32): i32 {
    this.isOpen = true;
    return 0;
  }
  state(): i32 {
    return this.isOpen ? StreamState.Open : StreamState.Closed;
  }
  read(ptr: usize, lengthBytes: u32): i32 {
    if (!this.isOpen) return Errno.Closed;
    const count = min(givenBytes, lengthBytes);
    if (count == 0) return Errno.Again;
    memory.copy(ptr, given, count);
    givenBytes -= count;
    memory.copy(given, given + count, givenBytes);
    return count;
  }
  write(ptr: usize, lengthBytes: u32): i32 {
    if (!this.isOpen) return Errno.Closed;
    if (!takes) return Errno.Again;
    const count = min(lengthBytes, 4096 - sentBytes);
    memory.copy(sent + sentBytes, ptr, count);
    sentBytes += count;
    return count;
  }
  close(): void {
    this.isOpen = false;
  }
}

/** The JSON of a request is at most so long (update/chunk-fetch.ts). */
const REQUEST_BYTES_MAX: u32 = 256;

const settings = new MqttSettings();
const stream = new TargetStream();
const clientId: usize = memory.data<u8>([0x66]);
settings.clientIdPtr = clientId;
settings.clientIdLength = 1;
settings.hostPtr = clientId;
settings.hostLength = 1;
settings.keepAliveS = 0;

const id: usize = memory.data<u8>([0x64, 0x2d, 0x31]);
const deployment = new Deployment();
let client!: MqttClient;
let session!: Session;
let fetch!: ChunkFetch;

/** Begins to connect. What waits for the stream has room for one request, exactly. */
export function open(): void {
  const probe = new Mailbox(new MqttClient(stream, settings, 1, 64, 4096, 1, 64));
  probe.open();
  const topicBytes = probe.topicOf(Leaf.Fetch);
  /** Type, remaining length, length of the topic. */
  const packetBytes: u32 = 1 + 2 + 2 + topicBytes + REQUEST_BYTES_MAX;
  client = new MqttClient(stream, settings, 1, 64, packetBytes, 1, 64);
  const mailbox = new Mailbox(client);
  mailbox.open();
  session = new Session(
    mailbox,
    new Settings(new BootControlLog()),
    new JsonReader(),
    new Measurement(new BootState(), new TrustStore()),
  );
  session.proven = true;
  deployment.take(id, 3, 7);
  fetch = new ChunkFetch(mailbox, session, deployment);
  client.start(0);
  // Behind all that, so that a snapshot, which ends with the last byte that is not 0, has it whole.
  store<u32>(heap.alloc(4), 1);
}
export function setProven(proven: bool): void {
  session.proven = proven;
}
export function setTakes(now: bool): void {
  takes = now;
}
/** The stream carries what it can; the number of the last event. */
export function poll(nowUs: f64, bytes: u32): i32 {
  givenBytes = bytes;
  let last: i32 = 0;
  for (let i = 0; i < 8; i++) {
    const event = client.poll(<i64>nowUs);
    if (event != MqttEvent.None) last = event;
  }
  return last;
}
export function takeSent(): u32 {
  const bytes = sentBytes;
  sentBytes = 0;
  return bytes;
}

export function begin(part: u32, first: u32, count: u32): void {
  fetch.begin(part, first, count);
}
export function run(nowUs: f64): f64 {
  return <f64>fetch.run(<i64>nowUs);
}
export function isNext(part: u32, index: u32, bytes: u32, nowUs: f64): bool {
  return fetch.isNext(part, index, bytes, <i64>nowUs);
}
export function advance(): void {
  fetch.advance();
}
export function askAgain(): void {
  fetch.askAgain();
}
/** A table that is not the signed one. */
export function fromStart(): void {
  fetch.next = 0;
  fetch.askAgain();
}
export function onNewSession(): void {
  fetch.onNewSession();
}
export function isDone(): bool {
  return fetch.isDone();
}
export function next(): u32 {
  return fetch.next;
}
export function checkInSpacingUs(): f64 {
  return <f64>fetch.checkInSpacingUs();
}
