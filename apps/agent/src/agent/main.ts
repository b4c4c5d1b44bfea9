// agent.wasm: the whole operating system and update agent of a device.

import { startAgent, stepAgent } from "./agent";

export { abort } from "../abort";

export function start(): void {
  startAgent(false);
}

export function step(): u32 {
  return stepAgent();
}
