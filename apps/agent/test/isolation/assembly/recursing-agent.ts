// An agent that calls itself until its stack is full.

import { watchdogPet } from "../../../src/exokernel";

export { abort } from "../../../src/abort";

let depth: u32 = 0;

function recurse(n: u32): u32 {
  depth = n;
  const below = n == 0xffffffff ? 0 : recurse(n + 1);
  return below ^ (depth + n); // used after the call, so that it can't become a loop
}

export function start(): void {}

export function step(): u32 {
  watchdogPet();
  return recurse(0);
}
