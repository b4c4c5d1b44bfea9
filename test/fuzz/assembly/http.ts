// One HTTP connection on a stream that gives it the input in pieces and keeps what it answers. AssemblyScript.

import { Errno, StreamState } from "../../../apps/agent/src/exokernel";
import { Answer } from "../../../apps/agent/src/http/answer";
import { HttpConnection, Site } from "../../../apps/agent/src/http/http-connection";
import { KeyValueService } from "../../../apps/agent/src/http/key-value-service";
import { KeyValueTable } from "../../../apps/agent/src/http/key-value-table";
import { StatusPage, StatusSource } from "../../../apps/agent/src/http/status-page";
import { Stream } from "../../../apps/agent/src/stream";

const OUTPUT_BYTES: u32 = 49152;
const POLLS_MAX: i32 = 8192;
const ROOM: i32 = 4096;
const KEYS_MAX: u32 = 2;
const VALUE_BYTES_MAX: u32 = 64;

export const output: usize = memory.data(49152, 16);

class InputStream extends Stream {
  at: usize = 0;
  end: usize = 0;
  piece: u32 = 0;
  random: u32 = 0;
  isOpen: bool = false;
  /** What an answer may take before the next piece comes. */
  space: i32 = 0;
  written: u32 = 0;

  open(_hostPtr: usize, _hostLength: u32, _port: u32): i32 {
    return 0;
  }
  state(): i32 {
    return this.isOpen ? StreamState.Open : StreamState.Closed;
  }
  /** `piece` bytes at most, or a random number of them; now and then none yet. */
  read(ptr: usize, lengthBytes: u32): i32 {
    if (!this.isOpen) return Errno.Closed;
    const left = <u32>(this.end - this.at);
    if (left == 0) return Errno.Again;
    let count = this.piece;
    if (count == 0) {
      this.random = this.random * 1664525 + 1013904223;
      count = this.random >>> 28;
      if (count == 0) return Errno.Again;
    }
    count = min(min(count, left), lengthBytes);
    memory.copy(ptr, this.at, count);
    this.at += count;
    return count == 0 ? Errno.Again : <i32>count;
  }
  write(ptr: usize, lengthBytes: u32): i32 {
    if (!this.isOpen || <i32>lengthBytes > this.space || this.written + lengthBytes > OUTPUT_BYTES) unreachable();
    memory.copy(output + this.written, ptr, lengthBytes);
    this.written += lengthBytes;
    this.space -= lengthBytes;
    return lengthBytes;
  }
  room(): i32 {
    return this.isOpen ? this.space : Errno.Closed;
  }
  close(): void {
    this.isOpen = false;
  }
}

class FixedSource extends StatusSource {
  tell(page: StatusPage): void {
    page.word("device", "fuzz");
  }
}

const stream = new InputStream();
const table = new KeyValueTable(KEYS_MAX, VALUE_BYTES_MAX, 1);
const connection = new HttpConnection(
  new Site(new Answer(), new StatusPage(new FixedSource()), new KeyValueService(table)),
);

/** Bytes that were answered, at `output`, when the input is read up or the connection was ended. From a snapshot. */
export function run(ptr: usize, length: u32, piece: u32, random: u32): u32 {
  stream.at = ptr;
  stream.end = ptr + length;
  stream.piece = piece;
  stream.random = random;
  stream.isOpen = true;
  stream.written = 0;
  connection.open(stream, 0);
  for (let i = 0, idle = 0; i < POLLS_MAX && idle < 64 && !connection.isFree(); i++) {
    const before = stream.written;
    stream.space = ROOM;
    connection.poll(0);
    idle = stream.at == stream.end && stream.written == before ? idle + 32 : idle;
  }
  return stream.written;
}

export function hasEnded(): bool {
  return connection.isFree();
}
export function placesBeingWritten(): u32 {
  return table.placesBeingWritten();
}
