// Test module: one HTTP connection on a stream that the test holds both ends of, and a site with two places for keys.

import { Errno, StreamState } from "../../../src/exokernel";
import { Answer } from "../../../src/http/answer";
import { HttpConnection, Site } from "../../../src/http/http-connection";
import { KeyValueService } from "../../../src/http/key-value-service";
import { KeyValueTable } from "../../../src/http/key-value-table";
import { StatusPage, StatusSource } from "../../../src/http/status-page";
import { Stream } from "../../../src/stream";

/** Memory from here on is the test's. */
export const SPACE: usize = heap.alloc(1 << 18);
const OUTPUT_BYTES: u32 = 1 << 16;
const output: usize = heap.alloc(OUTPUT_BYTES);

export function trap(_message: usize, _file: usize, _line: u32, _column: u32): void {
  unreachable();
}

class TestStream extends Stream {
  at: usize = 0;
  end: usize = 0;
  hasEnded: bool = false;
  isClosed: bool = false;
  space: i32 = 4096;
  written: u32 = 0;

  open(_hostPtr: usize, _hostLength: u32, _port: u32): i32 {
    return 0;
  }
  state(): i32 {
    return this.isClosed ? StreamState.Closed : StreamState.Open;
  }
  read(ptr: usize, lengthBytes: u32): i32 {
    const count = min(<u32>(this.end - this.at), lengthBytes);
    if (count == 0) return this.hasEnded ? Errno.Closed : Errno.Again;
    memory.copy(ptr, this.at, count);
    this.at += count;
    return count;
  }
  write(ptr: usize, lengthBytes: u32): i32 {
    // Who asks for room first never has to give a part of an answer.
    if (this.isClosed || <i32>lengthBytes > this.space || this.written + lengthBytes > OUTPUT_BYTES) unreachable();
    memory.copy(output + this.written, ptr, lengthBytes);
    this.written += lengthBytes;
    this.space -= lengthBytes;
    return lengthBytes;
  }
  room(): i32 {
    return this.space;
  }
  close(): void {
    this.isClosed = true;
  }
}

class TestSource extends StatusSource {
  name: usize = 0;
  nameBytes: u32 = 0;
  tell(page: StatusPage): void {
    page.bytes("device", this.name, this.nameBytes);
    page.word("slot", "a");
    page.number("boot", 7);
  }
}

const source = new TestSource();
const table = new KeyValueTable(2, 3072, 2);
const site = new Site(new Answer(), new StatusPage(source), new KeyValueService(table));
const streams: StaticArray<TestStream> = [new TestStream(), new TestStream()];
const connections: StaticArray<HttpConnection> = [new HttpConnection(site), new HttpConnection(site)];

export function allocated(): usize {
  const ptr = heap.alloc(16);
  heap.free(ptr);
  return ptr;
}
/** All keys are forgotten, and the client `which` connects. */
export function open(which: i32, nowUs: i64): void {
  const stream = streams[which];
  stream.at = stream.end = 0;
  stream.hasEnded = stream.isClosed = false;
  stream.space = 4096;
  stream.written = 0;
  connections[which].open(stream, nowUs);
}
export function forget(): void {
  for (let i: u32 = 0; i < table.places(); i++) if (table.isKept(i)) table.remove(i);
}
export function setName(ptr: usize, length: u32): void {
  source.name = ptr;
  source.nameBytes = length;
}
/** What was given before must have been read. */
export function give(which: i32, ptr: usize, length: u32): void {
  const stream = streams[which];
  if (stream.at != stream.end) unreachable();
  stream.at = ptr;
  stream.end = ptr + length;
}
export function unread(which: i32): u32 {
  return <u32>(streams[which].end - streams[which].at);
}
export function end(which: i32): void {
  streams[which].hasEnded = true;
}
export function setRoom(which: i32, bytes: i32): void {
  streams[which].space = bytes;
}
export function poll(which: i32, nowUs: i64): i64 {
  return connections[which].poll(nowUs);
}
export function isServed(which: i32): bool {
  return !connections[which].isFree();
}
export function outputPtr(): usize {
  return output;
}
export function takeOutput(which: i32): u32 {
  const written = streams[which].written;
  streams[which].written = 0;
  return written;
}
/** Places that are neither a key's nor free: of values that come. */
export function placesBeingWritten(): u32 {
  return table.placesBeingWritten();
}
