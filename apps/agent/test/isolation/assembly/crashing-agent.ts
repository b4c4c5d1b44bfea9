// An agent that speaks, and traps.

import { endLine, say } from "../../../src/console";

export { abort } from "../../../src/abort";

export function start(): void {}

export function step(): u32 {
  say("about to trap");
  endLine();
  unreachable();
  return 0;
}
