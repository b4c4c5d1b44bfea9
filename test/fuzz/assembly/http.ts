// One HTTP connection on a stream that gives it the input in pieces and keeps what it answers. AssemblyScript.

import { Errno } from "../../../apps/agent/src/exokernel";
import { Answer } from "../../../apps/agent/src/http/answer";
import { HttpConnection, Site } from "../../../apps/agent/src/http/http-connection";
import { KeyValueService } from "../../../apps/agent/src/http/key-value-service";
import { KeyValueTable } from "../../../apps/agent/src/http/key-value-table";
import { StatusPage, StatusSource } from "../../../apps/agent/src/http/status-page";
import { PiecesStream } from "./pieces-stream";

const OUTPUT_BYTES: u32 = 49152;
const POLLS_MAX: i32 = 8192;
const ROOM: i32 = 4096;
const KEYS_MAX: u32 = 2;
const VALUE_BYTES_MAX: u32 = 64;

export const output: usize = memory.data(49152, 16);

class AnsweredStream extends PiecesStream {
  /** What an answer may take before the next piece comes. */
  space: i32 = 0;
  written: u32 = 0;

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
}

class FixedSource extends StatusSource {
  tell(page: StatusPage): void {
    page.word("device", "fuzz");
  }
}

const stream = new AnsweredStream(4);
const table = new KeyValueTable(KEYS_MAX, VALUE_BYTES_MAX, 1);
const connection = new HttpConnection(
  new Site(new Answer(), new StatusPage(new FixedSource()), new KeyValueService(table)),
);

/** Bytes that were answered, at `output`, when the input is read up or the connection was ended. From a snapshot. */
export function run(ptr: usize, length: u32, piece: u32, random: u32): u32 {
  stream.give(ptr, length, piece, random);
  stream.isOpen = true;
  stream.written = 0;
  connection.open(stream, 0);
  for (let i = 0, idle = 0; i < POLLS_MAX && idle < 64 && !connection.isFree(); i++) {
    const before = stream.written;
    stream.space = ROOM;
    connection.poll(0);
    idle = stream.isReadUp() && stream.written == before ? idle + 32 : idle;
  }
  return stream.written;
}

export function hasEnded(): bool {
  return connection.isFree();
}
export function placesBeingWritten(): u32 {
  return table.placesBeingWritten();
}
