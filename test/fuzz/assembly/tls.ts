// The TLS stream on another stream that gives it the input in pieces: as it is, or sealed as the server would. What the
// stream tells is written down, so that runs with other pieces can be compared. AssemblyScript.

import { Errno } from "../../../apps/agent/src/exokernel";
import { seedRandom } from "../../../apps/agent/src/random/random";
import { ChannelCredentials, ChannelMode } from "../../../apps/agent/src/tls/credentials";
import { TlsStream } from "../../../apps/agent/src/tls/tls-stream";
import { TrafficKeys } from "../../../apps/agent/src/tls/traffic-keys";
import { PiecesStream } from "./pieces-stream";

const WIRE_BYTES: u32 = 24576;
const TOLD_BYTES: u32 = 16384;
const WRITTEN_BYTES: u32 = 4096;
const CONTENT_BYTES_MAX: u32 = 4400;
const CALLS_MAX: i32 = 30000;
/** An item of this kind is no record's content, but bytes on the wire. */
const RAW: u32 = 255;

class HeardStream extends PiecesStream {
  readonly written: usize = heap.alloc(WRITTEN_BYTES);
  writtenBytes: u32 = 0;

  write(ptr: usize, lengthBytes: u32): i32 {
    if (!this.isOpen) return Errno.Closed;
    const kept = min(lengthBytes, WRITTEN_BYTES - this.writtenBytes);
    memory.copy(this.written + this.writtenBytes, ptr, kept);
    this.writtenBytes += kept;
    return lengthBytes;
  }
}

class FuzzedCredentials extends ChannelCredentials {
  established: u32 = 0;
  failure: i32 = -1;

  onOpen(_mode: u32): void {}
  onEstablished(_exporterSecret: usize): void {
    this.established++;
  }
  onFailed(alert: i32, isPeers: bool): void {
    this.failure = isPeers ? 256 + alert : alert;
  }
}

const below = new HeardStream(10);
const credentials = new FuzzedCredentials();
const stream = new TlsStream(below, credentials);
const server = new TrafficKeys();
const key: usize = heap.alloc(32);
const identity: usize = memory.data<u8>([0x66, 0x75, 0x7a, 0x7a]);
const pskHost: usize = memory.data<u8>([0x74, 0x6c, 0x73, 0x3a, 0x66]); // tls:f
const pinnedHost: usize = memory.data<u8>([0x70, 0x69, 0x6e, 0x3a, 0x66]); // pin:f
const wire: usize = heap.alloc(WIRE_BYTES);
const told: usize = heap.alloc(TOLD_BYTES);
let toldBytes: u32 = 0;
let hash: u32 = 0;

export function keyPtr(): usize {
  return key;
}
export function serverSecret(): usize {
  return server.secret;
}
export function wirePtr(): usize {
  return wire;
}
export function written(): usize {
  return below.written;
}
export function writtenBytes(): u32 {
  return below.writtenBytes;
}
export function toldPtr(): usize {
  return told;
}
export function toldLength(): u32 {
  return toldBytes;
}
export function established(): u32 {
  return credentials.established;
}

/** Up to ClientHello, with the key at `keyPtr`. */
export function begin(mode: u32): void {
  seedRandom(key, 1);
  credentials.identityPtr = identity;
  credentials.identityLength = 4;
  credentials.keyPtr = key;
  credentials.pinnedKeyPtr = key;
  stream.open(mode == ChannelMode.PreSharedKey ? pskHost : pinnedHost, 5, 1);
  stream.state();
}

/** The server's records from now on are sealed by the secret at `serverSecret`. */
export function useServerSecret(): void {
  server.begin();
}

/** What lies at `wirePtr` comes in, whole. */
export function give(length: u32): void {
  below.give(wire, length, WIRE_BYTES, 0);
  for (let i = 0; i < 8; i++) stream.state();
}

function note(value: u32): void {
  hash = (hash ^ value) * 16777619;
}

/** Items (u8 kind, u16 length, content) to the wire; its length. `isSealed`: contents are sealed as records. */
function putItems(ptr: usize, length: u32, isSealed: bool): u32 {
  const end = ptr + length;
  let at = wire;
  while (end - ptr >= 3) {
    const kind: u32 = load<u8>(ptr);
    const bytes = min(min(<u32>bswap<u16>(load<u16>(ptr, 1)), <u32>(end - ptr) - 3), CONTENT_BYTES_MAX);
    if (<u32>(at - wire) + bytes + 64 > WIRE_BYTES) break;
    if (!isSealed || kind == RAW) {
      memory.copy(at, ptr + 3, bytes);
      at += bytes;
    } else {
      memory.copy(at + 5, ptr + 3, bytes);
      at += server.seal(at, kind, bytes);
    }
    ptr += 3 + bytes;
  }
  return <u32>(at - wire);
}

/** Hash of what the stream told until the input was read up, or it was closed. From a snapshot each time. */
export function run(ptr: usize, length: u32, isSealed: bool, piece: u32, random: u32): u32 {
  hash = 2166136261;
  toldBytes = 0;
  below.give(wire, putItems(ptr, length, isSealed), piece, random);
  let idle: i32 = 0;
  for (let i = 0; i < CALLS_MAX && idle < 64; i++) {
    const count = stream.read(told + toldBytes, TOLD_BYTES - toldBytes);
    if (count > 0) {
      if (<u32>count > TOLD_BYTES - toldBytes) unreachable();
      toldBytes += count;
      continue;
    }
    if (count != Errno.Again) {
      note(count);
      break;
    }
    if (below.isReadUp()) idle += 8;
  }
  note(stream.state());
  note(credentials.established);
  note(credentials.failure);
  for (let i: u32 = 0; i < toldBytes; i++) note(load<u8>(told + i));
  stream.close();
  return hash;
}
