// The serial line of a virtual device: its own end, which the boot loader reads in recovery, and the end outside, a byte
// pipe for whoever is plugged in.

import { Duplex } from "node:stream";
import { Exo } from "../src/abi.ts";

/** Received and not yet read: a line has no way to say "wait", so what comes on top is lost. */
const RECEIVE_BYTES_MAX = 64 * 1024;

/** The device's end, during recovery: before it nobody reads, and what arrives is lost as on a real line. */
export class SerialReceiver {
  #received: Buffer = Buffer.alloc(0);
  #isOpen = false;

  open(): void {
    this.#isOpen = true;
  }

  /** False: nobody will read it. */
  receive(bytes: Uint8Array): boolean {
    if (!this.#isOpen || this.#received.length + bytes.length > RECEIVE_BYTES_MAX) return false;
    this.#received = Buffer.concat([this.#received, bytes]);
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

/** The end outside: what the device writes can be read, what is written goes to the device. Nobody reading loses nothing else. */
export class SerialSocket extends Duplex {
  readonly #toDevice: (bytes: Uint8Array) => void;

  constructor(toDevice: (bytes: Uint8Array) => void) {
    super();
    this.#toDevice = toDevice;
  }

  fromDevice(bytes: Uint8Array): void {
    if (this.readableFlowing) this.push(Buffer.from(bytes));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#toDevice(chunk);
    done();
  }
}
