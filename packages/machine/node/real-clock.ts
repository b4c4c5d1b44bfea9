// The machine's own time, as a device's host sees it.

import type { HostClock } from "../src/clock.ts";

/** The same origin in every thread of the process. */
export const realClock: HostClock = {
  nowUs: () => Number(process.hrtime.bigint() / 1000n),
  after(delayUs, task) {
    if (delayUs <= 0) {
      const immediate = setImmediate(task);
      return () => clearImmediate(immediate);
    }
    // setTimeout takes at most 2^31-1 ms; nothing here waits longer than a u32 of microseconds.
    const timeout = setTimeout(task, Math.ceil(delayUs / 1000));
    return () => clearTimeout(timeout);
  },
};
