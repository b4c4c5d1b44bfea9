// The console: bytes from modules, put together to lines.

const LINE_BYTES_MAX = 4096;
const NEWLINE = 10;

export class ConsoleLines {
  readonly #onLine: (line: string) => void;
  #part: number[] = [];

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === NEWLINE) this.flush(true);
      else if (this.#part.push(byte) === LINE_BYTES_MAX) this.flush();
    }
  }

  /** Ends the line that was begun, if there is one. `always`: an empty one too. */
  flush(always = false): void {
    if (this.#part.length === 0 && !always) return;
    const line = Buffer.from(this.#part).toString("utf8").replace(/\r$/, "");
    this.#part = [];
    this.#onLine(line);
  }
}
