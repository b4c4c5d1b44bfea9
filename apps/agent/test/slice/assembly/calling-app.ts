// An app whose hundredth tick calls the exokernel without end: it is stopped in the middle of a call.

import { appHealth, appMetric, Health } from "../../../src/app/exokernel";

export { abort } from "../../../src/abort";

const name: usize = memory.data<u8>([0x63, 0x61, 0x6c, 0x6c]); // call
let ticks: i32 = 0;

export function start(): void {}

export function tick(): void {
  ++ticks;
  do {
    appHealth(Health.Healthy);
    appMetric(name, 4, ticks);
  } while (ticks == 100);
}
