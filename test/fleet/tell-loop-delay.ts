// Loaded into the server's process before the server (--import): tells how late its event loop was since it was asked
// last. The server itself has no code for benchmarks.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { LOOP_DELAY_QUESTION, type LoopDelay } from "./loop-delay.ts";

const RESOLUTION_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();
// What it counts is the time from one of its own timers to the next.
const delayMs = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);

process.on("message", (question) => {
  if (question !== LOOP_DELAY_QUESTION) return;
  const answer: LoopDelay = { p99Ms: delayMs(histogram.percentile(99)), maxMs: delayMs(histogram.max) };
  histogram.reset();
  process.send!(answer);
});
