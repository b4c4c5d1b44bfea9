// An app that is healthy until the tick whose number lies at the start of its flash zone, and traps then.

import { appHealth, flashRead, Health, Zone } from "../../../src/exokernel";

export { abort } from "../../../src/abort";

const last: usize = memory.data(4, 4);
let ticks: u32 = 0;

export function start(): void {
  flashRead(Zone.App, 0, last, 4);
}

export function tick(): void {
  appHealth(Health.Healthy);
  if (++ticks >= load<u32>(last)) unreachable();
}
