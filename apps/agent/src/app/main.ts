// The example app: a 1 Hz control loop that reads a (simulated) temperature sensor, reports it as a metric and says
// whether it is healthy. It is a module of its own with a memory of its own: it can't reach the agent, nor be reached.
// Put your own app here, or build with `--app path/to/your/main.ts`: export start() and tick(), import from
// ./exokernel.

import { appHealth, appMetric, Health } from "./exokernel";

/** Plausible range of the sensor, in thousandths of a degree Celsius. */
const LOWEST: i32 = -40_000;
const HIGHEST: i32 = 125_000;

const NAME: usize = memory.data<u8>([0x74, 0x65, 0x6d, 0x70, 0x5f, 0x6d, 0x63]); // "temp_mc"

let elapsedS: i32 = 0;

/** A slow triangle between 20 and 24 degrees: a sensor to look at without hardware. */
function readSensor(): i32 {
  const phase = elapsedS % 80;
  return 20_000 + (phase < 40 ? phase : 80 - phase) * 100;
}

export function start(): void {
  appHealth(Health.Unknown);
}

/** Called once a second, from the timer interrupt. */
export function tick(): void {
  elapsedS++;
  const temperature = readSensor();
  appMetric(NAME, 7, temperature);
  appHealth(temperature > LOWEST && temperature < HIGHEST ? Health.Healthy : Health.Unhealthy);
}
