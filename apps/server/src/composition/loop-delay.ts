// How late the event loop is: what waits for it waits as long.

import { monitorEventLoopDelay } from "node:perf_hooks";

const resolutionMs = 10;
const nanosecondsPerMs = 1e6;

export interface LoopDelay {
  /** Of one turn in a hundred, or longer. */
  p99Ms: number;
  maxMs: number;
}

export interface LoopWatch {
  /** Since it was asked last. */
  take(): LoopDelay;
  stop(): void;
}

export function watchLoop(): LoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  // What it counts is the time from one of its own timers to the next.
  const delayMs = (nanoseconds: number): number => Math.max(0, nanoseconds / nanosecondsPerMs - resolutionMs);
  return {
    take() {
      const delay = { p99Ms: delayMs(histogram.percentile(99)), maxMs: delayMs(histogram.max) };
      histogram.reset();
      return delay;
    },
    stop: () => void histogram.disable(),
  };
}
