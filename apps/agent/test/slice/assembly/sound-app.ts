// An app that does what it has to do in its time.

import { appHealth, appMetric, Health } from "../../../src/app/exokernel";

export { abort } from "../../../src/abort";

const name: usize = memory.data<u8>([0x74, 0x69, 0x63, 0x6b, 0x73]); // ticks
let ticks: i32 = 0;

export function start(): void {}

export function tick(): void {
  appHealth(Health.Healthy);
  appMetric(name, 5, ++ticks);
}
