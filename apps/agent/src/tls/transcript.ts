// The transcript hash (RFC 8446 §4.4.1): SHA-256 over all handshake messages so far, with their headers.

import { sha256Final, sha256Init, sha256Update, SHA256_CONTEXT_BYTES } from "../crypto";

export class Transcript {
  private context: usize = heap.alloc(SHA256_CONTEXT_BYTES);
  private copy: usize = heap.alloc(SHA256_CONTEXT_BYTES);

  reset(): void {
    sha256Init(this.context);
  }

  add(ptr: usize, length: u32): void {
    sha256Update(this.context, ptr, length);
  }

  /** Writes the 32 bytes of what was added so far; more may follow. */
  hash(out: usize): void {
    memory.copy(this.copy, this.context, SHA256_CONTEXT_BYTES);
    sha256Final(this.copy, out);
  }

  /** The same as if these bytes had been added, too. */
  hashWith(ptr: usize, length: u32, out: usize): void {
    memory.copy(this.copy, this.context, SHA256_CONTEXT_BYTES);
    sha256Update(this.copy, ptr, length);
    sha256Final(this.copy, out);
  }
}
