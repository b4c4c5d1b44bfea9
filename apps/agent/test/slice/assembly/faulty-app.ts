// An app that traps in its hundredth tick.

export { abort } from "../../../src/abort";

let ticks: i32 = 0;

export function start(): void {}

export function tick(): void {
  if (++ticks == 100) unreachable();
}
