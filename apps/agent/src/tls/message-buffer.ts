// Handshake messages out of the fragments that records hold (RFC 8446 §5.1): one may span records, and a record may
// hold several.

import { get24 } from "../big-endian";
import { HANDSHAKE_HEADER_BYTES } from "./wire";

/** A server's certificate and those that sign it, at most; a longer message ends the connection. */
export const MESSAGE_BYTES_MAX: u32 = 1536;

export class MessageBuffer {
  /** The message that `next` has found, with its header. */
  readonly message: usize = heap.alloc(MESSAGE_BYTES_MAX);
  length: u32 = 0;
  private filled: u32 = 0;
  /** Of the record's fragment, what was not taken yet. */
  private fragment: usize = 0;
  private left: u32 = 0;

  reset(): void {
    this.filled = 0;
    this.left = 0;
  }

  /** Nothing of a message is here: whatever else may follow, or the keys may change. */
  isEmpty(): bool {
    return this.filled == 0 && this.left == 0;
  }

  /** A record's fragment; it stays where it is until all of it is taken. */
  give(fragment: usize, length: u32): void {
    this.fragment = fragment;
    this.left = length;
  }

  /** Whether `message` holds the next whole one; it is gone with the next call. */
  next(): bool {
    if (!this.fill(HANDSHAKE_HEADER_BYTES)) return false;
    this.length = HANDSHAKE_HEADER_BYTES + get24(this.message + 1);
    if (this.isTooLong() || !this.fill(this.length)) return false;
    this.filled = 0;
    return true;
  }

  /** After `next` found none: one that is longer than there is room for. */
  isTooLong(): bool {
    return this.filled >= HANDSHAKE_HEADER_BYTES && this.length > MESSAGE_BYTES_MAX;
  }

  private fill(bytes: u32): bool {
    if (this.filled >= bytes) return true;
    const taken = min(bytes - this.filled, this.left);
    memory.copy(this.message + this.filled, this.fragment, taken);
    this.filled += taken;
    this.fragment += taken;
    this.left -= taken;
    return this.filled == bytes;
  }
}
