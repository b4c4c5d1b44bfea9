// The end of a virtual device's serial line that is outside: a byte pipe for whoever is plugged in.

import { Duplex } from "node:stream";

/** What the device writes can be read, what is written goes to the device. Nobody reading loses nothing else. */
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
