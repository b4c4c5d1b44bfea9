// One line that is written over, on a terminal; now and then a line, elsewhere.

const WIDTH = 30;
const QUIET_MS = 15_000;

export class Progress {
  readonly #began = performance.now();
  #toldAt = 0;

  tell(done: number, total: number, text: string): void {
    const now = performance.now();
    const isTerminal = process.stderr.isTTY;
    if (now - this.#toldAt < (isTerminal ? 100 : QUIET_MS)) return;
    this.#toldAt = now;
    const filled = total === 0 ? WIDTH : Math.min(WIDTH, Math.floor((done / total) * WIDTH));
    const line = `[${"#".repeat(filled)}${".".repeat(WIDTH - filled)}] ${text}, ${Math.round((now - this.#began) / 1000)} s`;
    process.stderr.write(isTerminal ? `\r${line}\x1b[K` : `${line}\n`);
  }

  end(): void {
    if (process.stderr.isTTY && this.#toldAt > 0) process.stderr.write("\r\x1b[K");
  }
}
