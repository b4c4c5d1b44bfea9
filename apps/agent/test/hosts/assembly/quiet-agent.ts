// An agent that only lives: it pets the watchdog and says which step it is at, ten times a second.

import { endLine, say, sayNumber } from "../../../src/console";
import { watchdogPet } from "../../../src/exokernel";

export { abort } from "../../../src/abort";

let steps: u32 = 0;

export function start(): void {
  say("agent up");
  endLine();
}

export function step(): u32 {
  watchdogPet();
  say("step ");
  sayNumber(++steps);
  endLine();
  return 100_000;
}
