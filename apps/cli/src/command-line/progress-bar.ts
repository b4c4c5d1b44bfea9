// One line of a terminal that is written over: how far something has come. Elsewhere nothing.

import type { Io } from "./io.ts";

const BAR_CHARACTERS = 30;

export class ProgressBar {
  readonly #io: Io;
  #isShown = false;

  constructor(io: Io) {
    this.#io = io;
  }

  show(done: number, total: number, text: string): void {
    if (!this.#io.hasTerminal) return;
    const filled = total === 0 ? 0 : Math.round((BAR_CHARACTERS * done) / total);
    this.#io.error(`\r\u001b[K[${"#".repeat(filled)}${".".repeat(BAR_CHARACTERS - filled)}] ${text}`);
    this.#isShown = true;
  }

  /** Takes the line away, for others to be written. */
  clear(): void {
    if (this.#isShown) this.#io.error("\r\u001b[K");
    this.#isShown = false;
  }
}
