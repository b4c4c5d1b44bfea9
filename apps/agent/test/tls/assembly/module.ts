// Test module: one TlsStream over HostStream, and the key schedule by itself, driven from TypeScript call by call.
import { HostStream } from "../../../src/host-stream";
import { seedRandom } from "../../../src/random/random";
import { ChannelCredentials } from "../../../src/tls/credentials";
import { exportKey, finishedMac, KeySchedule, Label } from "../../../src/tls/key-schedule";
import { TlsStream } from "../../../src/tls/tls-stream";
import { TrafficKeys } from "../../../src/tls/traffic-keys";

/** Memory from here on is the test's. */
export const SPACE: usize = heap.alloc(1 << 17);

const binding = new Label("EXPORTER-flipside-test");

class TestCredentials extends ChannelCredentials {
  established: u32 = 0;
  failures: u32 = 0;
  alert: i32 = -1;
  isPeers: bool = false;
  readonly exported: usize = heap.alloc(32);

  opened: i32 = -1;

  onOpen(mode: u32): void {
    this.opened = mode;
  }

  onEstablished(exporterSecret: usize): void {
    this.established++;
    exportKey(exporterSecret, binding, this.exported);
  }

  onFailed(alert: i32, isPeers: bool): void {
    this.failures++;
    this.alert = alert;
    this.isPeers = isPeers;
  }
}

const credentials = new TestCredentials();
const stream = new TlsStream(new HostStream(), credentials);

export function trap(message: usize, file: usize, line: u32, column: u32): void {
  unreachable();
}

/** Everything is allocated by now: the same before and after a connection. */
export function allocated(): usize {
  const ptr = heap.alloc(16);
  heap.free(ptr);
  return ptr;
}

/** `key`: the pre-shared one, or the pinned one. */
export function use(identity: usize, identityLength: u32, key: usize): void {
  seedRandom(key, 1);
  credentials.identityPtr = identity;
  credentials.identityLength = identityLength;
  credentials.keyPtr = key;
  credentials.pinnedKeyPtr = key;
}

export function open(hostPtr: usize, hostLength: u32, port: u32): i32 {
  return stream.open(hostPtr, hostLength, port);
}
export function state(): i32 {
  return stream.state();
}
export function read(ptr: usize, length: u32): i32 {
  return stream.read(ptr, length);
}
export function write(ptr: usize, length: u32): i32 {
  return stream.write(ptr, length);
}
export function close(): void {
  stream.close();
}

/** The mode of the last connection. */
export function opened(): i32 {
  return credentials.opened;
}
export function established(): u32 {
  return credentials.established;
}
export function failures(): u32 {
  return credentials.failures;
}
export function alert(): i32 {
  return credentials.alert;
}
export function isPeers(): bool {
  return credentials.isPeers;
}
export function exported(): usize {
  return credentials.exported;
}

const schedule = new KeySchedule();
const keys = new TrafficKeys();

export function scheduleSecret(): usize {
  return schedule.secret;
}
export function scheduleBegin(key: usize): void {
  schedule.begin(key);
}
export function scheduleNext(shared: usize): void {
  schedule.next(shared);
}
/** 0 c hs, 1 s hs, 2 c ap, 3 s ap, 4 exp master */
export function scheduleDerive(which: u32, hash: usize, out: usize): void {
  schedule.derive(unchecked(labels[which]), hash, out);
}
export function finished(secret: usize, hash: usize, out: usize): void {
  finishedMac(secret, hash, out);
}
export function useSecret(secret: usize): void {
  memory.copy(keys.secret, secret, 32);
  keys.begin();
}
export function seal(record: usize, type: u32, length: u32): u32 {
  return keys.seal(record, type, length);
}
export function openRecord(record: usize, length: u32): i32 {
  return keys.open(record, length);
}

const labels: StaticArray<Label> = [
  new Label("c hs traffic"),
  new Label("s hs traffic"),
  new Label("c ap traffic"),
  new Label("s ap traffic"),
  new Label("exp master"),
];
