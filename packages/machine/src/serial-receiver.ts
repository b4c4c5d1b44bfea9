// A device's end of its serial line, during recovery: before it nobody reads, and what arrives is lost as on a real
// line.

import { Exo } from "./abi.ts";

/** Received and not yet read: a line has no way to say "wait", so what comes on top is lost. */
const RECEIVE_BYTES_MAX = 64 * 1024;

export class SerialReceiver {
  #received = new Uint8Array(0);
  #isOpen = false;

  open(): void {
    this.#isOpen = true;
  }

  /** False: nobody will read it. */
  receive(bytes: Uint8Array): boolean {
    const before = this.#received;
    if (!this.#isOpen || before.length + bytes.length > RECEIVE_BYTES_MAX) return false;
    this.#received = new Uint8Array(before.length + bytes.length);
    this.#received.set(before);
    this.#received.set(bytes, before.length);
    return true;
  }

  read(target: Uint8Array): number {
    const count = Math.min(target.length, this.#received.length);
    if (count === 0) return Exo.Again;
    target.set(this.#received.subarray(0, count));
    this.#received = this.#received.subarray(count);
    return count;
  }
}
