// A stream that gives its reader the input in pieces, of one length or of random ones, and takes whatever is written.
// AssemblyScript.

import { Errno, StreamState } from "../../../apps/agent/src/exokernel";
import { Stream } from "../../../apps/agent/src/stream";

export class PiecesStream extends Stream {
  isOpen: bool = false;
  protected at: usize = 0;
  protected end: usize = 0;
  private piece: u32 = 0;
  private random: u32 = 0;

  /** Random pieces have less than `1 << randomBits` bytes. */
  constructor(private randomBits: u32) {
    super();
  }

  /** What is to be read from now on, `piece` bytes at a time; 0: as many as `random` says. */
  give(ptr: usize, length: u32, piece: u32, random: u32): void {
    this.at = ptr;
    this.end = ptr + length;
    this.piece = piece;
    this.random = random;
  }

  isReadUp(): bool {
    return this.at == this.end;
  }

  open(_hostPtr: usize, _hostLength: u32, _port: u32): i32 {
    this.isOpen = true;
    return 0;
  }
  state(): i32 {
    return this.isOpen ? StreamState.Open : StreamState.Closed;
  }
  /** Now and then there is none yet. */
  read(ptr: usize, lengthBytes: u32): i32 {
    if (!this.isOpen) return Errno.Closed;
    const left = <u32>(this.end - this.at);
    if (left == 0) return Errno.Again;
    let count = this.piece;
    if (count == 0) {
      this.random = this.random * 1664525 + 1013904223;
      count = this.random >>> (32 - this.randomBits);
    }
    count = min(min(count, left), lengthBytes);
    if (count == 0) return Errno.Again;
    memory.copy(ptr, this.at, count);
    this.at += count;
    return count;
  }
  write(_ptr: usize, lengthBytes: u32): i32 {
    return this.isOpen ? <i32>lengthBytes : Errno.Closed;
  }
  close(): void {
    this.isOpen = false;
  }
}
