// The console: bytes from modules, put together to lines.

import { FRAME_START } from "@flipside/image-format";

const LINE_BYTES_MAX = 4096;
const NEWLINE = 10;

export class ConsoleLines {
  readonly #onLine: (line: string) => void;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #part: number[] = [];

  /** `onBytes`: all that is written, as it is; lines are what people read, so frames of the serial line are none. */
  constructor(onLine: (line: string) => void, onBytes: (bytes: Uint8Array) => void = () => {}) {
    this.#onLine = onLine;
    this.#onBytes = onBytes;
  }

  write(bytes: Uint8Array): void {
    this.#onBytes(bytes);
    for (const byte of bytes) {
      if (byte === NEWLINE) this.flush(true);
      else if (this.#part.push(byte) === LINE_BYTES_MAX) this.flush();
    }
  }

  /** Ends the line that was begun, if there is one. `always`: an empty one too. */
  flush(always = false): void {
    if (this.#part.length === 0 && !always) return;
    const line = new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(this.#part)).replace(/\r$/, "");
    const isFrame = this.#part[0] === FRAME_START;
    this.#part = [];
    if (!isFrame) this.#onLine(line);
  }
}
