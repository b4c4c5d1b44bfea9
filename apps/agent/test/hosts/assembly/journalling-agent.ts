// An agent that fills the journal's first sector, one word a step, and says a number only after it is programmed.

import { endLine, say, sayNumber } from "../../../src/console";
import { Durability, flashErase, flashProgram, flashRead, watchdogPet, Zone } from "../../../src/exokernel";

export { abort } from "../../../src/abort";

const word: usize = memory.data(4, 4);
let next: u32 = 0;

export function start(): void {
  for (next = 0; next < 1024; next++) {
    flashRead(Zone.Journal, 4 * next, word, 4);
    if (load<u32>(word) == 0xffffffff) break;
  }
  if (next == 0) flashErase(Zone.Journal, 0);
  say("found ");
  sayNumber(next);
  endLine();
}

export function step(): u32 {
  watchdogPet();
  if (next == 1024) return 1_000_000;
  store<u32>(word, next);
  if (flashProgram(Zone.Journal, 4 * next, word, 4, Durability.Verified) != 0) unreachable();
  say("programmed ");
  sayNumber(next++);
  endLine();
  return 1_000;
}
