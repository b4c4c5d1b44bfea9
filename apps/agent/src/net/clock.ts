// Time inside the stack: ticks of 1024 µs in 32 bits (no division on a 32-bit machine), taken once a poll. They wrap
// after 50 days, so a deadline must lie less than 25 days ahead; 0 means "no deadline".
//
// Every deadline that is set or looked at in a poll also bounds how long the caller may sleep after it: no list of
// timers to keep, and none can be forgotten.

import { clockUs } from "../exokernel";

export namespace Ticks {
  export const Second: u32 = 977; // 1.0004 s
  /** A second that is never longer than a real one: for leases and other things that must not be kept too long. */
  export const ShortSecond: u32 = 976;
}

const LONGEST_SLEEP: u32 = 30 * Ticks.Second;

export let now: u32 = 0;
let sleep: u32 = 0;

export function readClock(): void {
  now = <u32>(clockUs() >> 10);
  sleep = LONGEST_SLEEP;
}

/** Microseconds until the nearest deadline seen since `readClock`. */
export function sleepUs(): u32 {
  return sleep << 10;
}

/** The deadline `delay` ticks from now. */
export function arm(delay: u32): u32 {
  if (delay < sleep) sleep = delay;
  return (now + delay) | 1;
}

/** A deadline that has passed already. */
export function soon(): u32 {
  sleep = 0;
  return (now - 1) | 1;
}

/** Whether the deadline has passed. */
export function due(deadline: u32): bool {
  if (deadline == 0) return false;
  const left = <i32>(deadline - now);
  if (left <= 0) return true;
  if (<u32>left < sleep) sleep = left;
  return false;
}
