// An agent that traps in its first step.

export { abort } from "../../../src/abort";

export function start(): void {}

export function step(): u32 {
  unreachable();
  return 0;
}
