// What flash chips hold, below their driver (nor-flash.ts): in memory here, in a file (node/file-cells.ts), or with
// faults of any kind around either (faulty-cells.ts).

import type { FlashOperation } from "../faults/flash-operation.ts";

export interface FlashCells {
  /** As they are; reading through `read` may find them otherwise. */
  readonly bytes: Uint8Array;
  read(at: number, target: Uint8Array): void;
  /** An erase or a program from its beginning to its end. False: the chip says that it failed. */
  apply(operation: FlashOperation): boolean;
  /** Puts what a torn operation left. */
  store(at: number, bytes: Uint8Array): void;
  close(): void;
}

/** The bytes may lie in shared memory, so that they outlive the thread that runs the device. */
export class MemoryCells implements FlashCells {
  constructor(readonly bytes: Uint8Array) {}

  read(at: number, target: Uint8Array): void {
    target.set(this.bytes.subarray(at, at + target.length));
  }

  apply({ offset, length, data }: FlashOperation): boolean {
    const after = data ? data.map((byte, i) => byte & this.bytes[offset + i]!) : new Uint8Array(length).fill(0xff);
    this.store(offset, after);
    return true;
  }

  store(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at);
  }

  close(): void {}
}
