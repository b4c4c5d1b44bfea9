// An agent whose network never hears anything: the image runs, its app is healthy, and nobody can reach it.

import { startAgent, stepAgent } from "../../../apps/agent/src/agent/agent";

export { abort } from "../../../apps/agent/src/abort";

export function start(): void {
  startAgent(true);
}

export function step(): u32 {
  return stepAgent();
}
