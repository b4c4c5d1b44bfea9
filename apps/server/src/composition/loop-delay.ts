// How late the event loop is: what waits for it waits as long.

import { monitorEventLoopDelay } from "node:perf_hooks";

const resolutionMs = 10;
const nanosecondsPerMs = 1e6;

export interface LoopDelay {
  /** Of one turn in a hundred since it was asked last, or longer; milliseconds. */
  delayMs(): number;
  stop(): void;
}

export function startLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  return {
    delayMs() {
      // What it counts is the time from one of its own timers to the next.
      const delayMs = histogram.percentile(99) / nanosecondsPerMs - resolutionMs;
      histogram.reset();
      return Math.max(0, delayMs);
    },
    stop: () => void histogram.disable(),
  };
}
