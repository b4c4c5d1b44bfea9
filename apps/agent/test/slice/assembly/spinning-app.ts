// An app whose hundredth tick does not end.

import { appHealth, appMetric, Health } from "../../../src/app/exokernel";

export { abort } from "../../../src/abort";

const name: usize = memory.data<u8>([0x73, 0x70, 0x69, 0x6e]); // spin
let ticks: i32 = 0;
let work: i32 = 0;

export function start(): void {}

export function tick(): void {
  appHealth(Health.Healthy);
  appMetric(name, 4, ++ticks);
  if (ticks < 100) return;
  for (;;) store<i32>(name + 8, ++work);
}
