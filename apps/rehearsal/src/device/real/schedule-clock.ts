// The world's time, as a machine's host has it.

import type { HostClock } from "@flipside/machine/clock";
import type { Schedule } from "../../world/schedule.ts";

export class ScheduleClock implements HostClock {
  readonly #schedule: Schedule;
  #looks = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** Whoever looks at the clock has taken time to do so: a device's own self-test wants to see it move. */
  nowUs(): number {
    return Math.floor(this.#schedule.nowMs * 1_000) + ++this.#looks;
  }

  after(delayUs: number, task: () => void): () => void {
    return this.#schedule.after(delayUs / 1_000, task);
  }
}
