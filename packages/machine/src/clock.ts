// Time as a device's host sees it: the machine's, or one that a test moves.

export interface HostClock {
  /** Monotonic microseconds. */
  nowUs(): number;
  /** Runs `task` once, `delayUs` from now or later. Returns what undoes it. */
  after(delayUs: number, task: () => void): () => void;
}

interface Task {
  atUs: number;
  order: number;
  run: () => void;
}

/** Time that stands still until a test moves it: runs repeat, and waiting costs nothing. */
export class ManualClock implements HostClock {
  #nowUs = 0;
  #order = 0;
  #tasks: Task[] = [];

  nowUs(): number {
    return this.#nowUs;
  }

  after(delayUs: number, run: () => void): () => void {
    const task: Task = { atUs: this.#nowUs + Math.max(0, delayUs), order: this.#order++, run };
    const index = this.#tasks.findIndex((other) => other.atUs > task.atUs);
    this.#tasks.splice(index < 0 ? this.#tasks.length : index, 0, task);
    return () => {
      const at = this.#tasks.indexOf(task);
      if (at >= 0) this.#tasks.splice(at, 1);
    };
  }

  /** Runs the next task that is due before `limitUs`, at its time. False: there is none. */
  runNext(limitUs = Infinity): boolean {
    const task = this.#tasks[0];
    if (!task || task.atUs > limitUs) return false;
    this.#tasks.shift();
    this.#nowUs = Math.max(this.#nowUs, task.atUs);
    task.run();
    return true;
  }

  /** Moves time on, running what falls due in order. */
  advance(us: number): void {
    const limitUs = this.#nowUs + us;
    while (this.runNext(limitUs)) {}
    this.#nowUs = limitUs;
  }

  /** Runs tasks until `done` holds; false when `limitUs` of time passed first, or nothing is left to run. */
  runUntil(done: () => boolean, limitUs: number): boolean {
    const endUs = this.#nowUs + limitUs;
    while (!done()) if (!this.runNext(endUs)) return done();
    return true;
  }
}

/** Whoever looks at this clock has taken time to do so: a device's own self-test wants to see it move. */
export class WorkingClock extends ManualClock {
  #looks = 0;

  override nowUs(): number {
    return super.nowUs() + ++this.#looks;
  }
}
