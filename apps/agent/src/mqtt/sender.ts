// Sender: bytes on their way out. A stream may take any part of what it is offered; the rest waits here.

import { Errno } from "../exokernel";
import { Stream } from "../stream";

export class Sender {
  private buffer: usize;
  private start: usize = 0;
  private end: usize = 0;

  constructor(readonly capacity: u32) {
    this.buffer = heap.alloc(capacity);
    this.reset();
  }

  reset(): void {
    this.start = this.buffer;
    this.end = this.buffer;
  }

  empty(): bool {
    return this.start == this.end;
  }

  room(): u32 {
    return this.capacity - <u32>(this.end - this.start);
  }

  /** Where the next `length` bytes go, contiguous; 0 when there is no room. They count once `commit` takes them. */
  reserve(length: u32): usize {
    if (length > this.room()) return 0;
    if (this.buffer + this.capacity - this.end < length) {
      const pending = this.end - this.start;
      memory.copy(this.buffer, this.start, pending);
      this.start = this.buffer;
      this.end = this.buffer + pending;
    }
    return this.end;
  }

  commit(length: u32): void {
    this.end += length;
  }

  /** Offers what waits to the stream. Bytes taken, or the stream's error when it is closed. */
  flush(stream: Stream): i32 {
    const start = this.start;
    while (this.start != this.end) {
      const offered = <u32>(this.end - this.start);
      const count = stream.write(this.start, offered);
      if (count < 0 && count != Errno.Again) return count;
      if (count <= 0) break;
      this.start += min(<u32>count, offered);
    }
    const taken = <i32>(this.start - start);
    if (this.start == this.end) this.reset();
    return taken;
  }
}
