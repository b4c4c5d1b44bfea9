// What happened in a rehearsal, line by line: its digest tells whether two were the same.

import { createHash, type Hash } from "node:crypto";
import type { Schedule } from "./schedule.ts";

export class Log {
  readonly #hash: Hash = createHash("sha256");
  readonly #schedule: Schedule;
  readonly #show: ((line: string) => void) | undefined;

  constructor(schedule: Schedule, show: ((line: string) => void) | undefined) {
    this.#schedule = schedule;
    this.#show = show;
  }

  add = (who: string, what: string): void => {
    const line = `${(this.#schedule.nowMs / 1000).toFixed(3).padStart(9)} ${who.padEnd(10)} ${what}`;
    this.#hash.update(`${line}\n`);
    this.#show?.(line);
  };

  /** Of all lines; ends the log. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}
