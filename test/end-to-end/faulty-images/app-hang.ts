// An app whose first slice never ends: on the unikernel that is a hang with interrupts off.

import { clockUs } from "../../../apps/agent/src/exokernel";

export { abort } from "../../../apps/agent/src/abort";

export function start(): void {}

export function tick(): void {
  while (clockUs() >= 0) {}
}
