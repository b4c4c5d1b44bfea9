// agent.wasm: the whole operating system and update agent of a device.

import { startAgent, stepAgent } from "./agent";

export { abort } from "../abort";
// so that test tools can tell them apart in the module
export { ed25519PublicKey, ed25519SignParts, ed25519VerifyParts, sha256, sha256Block } from "../crypto";

export function start(): void {
  startAgent(false);
}

export function step(): u32 {
  return stepAgent();
}
