// The example app: a 1 Hz control loop that reads a (simulated) temperature sensor, reports it as a metric, says
// whether it is healthy, and goes by a configuration. It is a module of its own with a memory of its own: it can't
// reach the agent, nor be reached. Put your own app here, or build with `--app path/to/your/main.ts`: export start()
// and tick(), import from ./exokernel. One that takes no configuration never reads any; whoever sets one is told that
// it has not answered.

import { highestMilliC, lowestMilliC, reportEverySeconds, takeConfiguration } from "./configuration";
import { appHealth, appMetric, Health } from "./exokernel";

const NAME: usize = memory.data<u8>([0x74, 0x65, 0x6d, 0x70, 0x5f, 0x6d, 0x63]); // "temp_mc"

let elapsedS: i32 = 0;
let nextReportS: i32 = 0;

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
  takeConfiguration();
  const temperature = readSensor();
  if (elapsedS >= nextReportS || nextReportS > elapsedS + reportEverySeconds) {
    nextReportS = elapsedS + reportEverySeconds;
    appMetric(NAME, 7, temperature);
  }
  appHealth(temperature > lowestMilliC && temperature < highestMilliC ? Health.Healthy : Health.Unhealthy);
}
