// Cooperative scheduler: among the tasks that are due, the one with the shortest remaining work runs first, so an
// operator's command overtakes a bulk download. A task that was passed over PASSED_OVER_MAX times goes first whatever
// its size, so with n tasks none waits for more than PASSED_OVER_MAX + n runs of others.

import { Errno } from "../exokernel";

/** Runs of others that a due task lets pass. */
export const PASSED_OVER_MAX: u32 = 8;

/** A task that waits for something other than time returns this from `run`; `wake` makes it due. */
export const NEVER_US: i64 = i64.MAX_VALUE;

/** What runs in short steps and gives way in between. */
export abstract class Task {
  /** When it wants to run again. The scheduler's, and `wake`'s. */
  wakeUs: i64 = 0;
  /** Runs of others since it was due. The scheduler's. */
  passedOver: u32 = 0;

  /** One bounded step; returns when to run again (at or before nowUs: at once). */
  abstract run(nowUs: i64): i64;

  /** How much is left to do, in any unit that all tasks share: bytes, say. Less goes first. */
  abstract remainingWork(): u32;

  /** Makes the task due: something that it waited for has happened. */
  wake(): void {
    this.wakeUs = 0;
  }
}

export class Scheduler {
  private tasks: StaticArray<Task>;
  private count: i32 = 0;
  /**
   * One of the tasks: what another one has written, or changed, is its to carry on, so it is due after every run of
   * another. Else the machine may fall asleep on it.
   */
  carrier: Task | null = null;

  /** runsMax bounds one `step`. */
  constructor(
    capacity: i32,
    private runsMax: u32,
  ) {
    this.tasks = new StaticArray<Task>(capacity);
  }

  /** 0, or Errno.Again when the table is full. A new task is due at once. */
  add(task: Task): i32 {
    if (this.count == this.tasks.length) return Errno.Again;
    unchecked((this.tasks[this.count++] = task));
    return 0;
  }

  /** Runs what is due, at most runsMax steps; returns microseconds until the next task is due (0: now). */
  step(nowUs: i64): u32 {
    for (let runs: u32 = 0; runs < this.runsMax; runs++) {
      const chosen = this.choose(nowUs);
      if (chosen < 0) break;
      const task = this.at(chosen);
      task.passedOver = 0;
      // A wake-up during the run, by the task itself or by what it calls, is not lost.
      task.wakeUs = NEVER_US;
      const nextUs = task.run(nowUs);
      task.wakeUs = min(task.wakeUs, nextUs);
      const carrier = this.carrier;
      if (carrier && task != carrier) carrier.wake();
    }
    let wakeUs = NEVER_US;
    for (let i = 0; i < this.count; i++) wakeUs = min(wakeUs, this.at(i).wakeUs);
    if (wakeUs <= nowUs) return 0;
    // As unsigned numbers: NEVER_US minus a negative time would overflow.
    const waitUs = <u64>wakeUs - <u64>nowUs;
    return <u32>min<u64>(waitUs, u32.MAX_VALUE);
  }

  /** Index of the due task that goes next, or -1; the other due tasks were passed over once more. */
  private choose(nowUs: i64): i32 {
    let chosen = -1;
    let chosenWork: u32 = 0;
    let chosenPassed: u32 = 0;
    for (let i = 0; i < this.count; i++) {
      const task = this.at(i);
      if (task.wakeUs > nowUs) continue;
      const work = task.remainingWork();
      // Those that waited long enough come before the others, longest waiting first; the others by remaining work.
      const passed = task.passedOver++;
      const late = passed >= PASSED_OVER_MAX ? passed : 0;
      if (chosen < 0 || late > chosenPassed || (late == chosenPassed && work < chosenWork)) {
        chosen = i;
        chosenWork = work;
        chosenPassed = late;
      }
    }
    return chosen;
  }

  private at(index: i32): Task {
    return unchecked(this.tasks[index]);
  }
}
