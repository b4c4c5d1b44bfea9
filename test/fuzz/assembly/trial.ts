// Boot state and trial of the agent, one look after the other, without the rest of it. AssemblyScript.

import { BootState } from "../../../apps/agent/src/boot-state";
import { selfTestPasses } from "../../../apps/agent/src/agent/self-test";
import { TrialTask } from "../../../apps/agent/src/agent/trial";
import { DeploymentState } from "../../../apps/agent/src/format";
import { entropyState, refreshRandom, seedRandom } from "../../../apps/agent/src/random/random";
import { Session } from "../../../apps/agent/src/session/session";
import { Deployment } from "../../../apps/agent/src/update/deployment";

const boot = new BootState();
const deployment = new Deployment();
/** Of it, the trial asks only whether it is proven. */
const session = changetype<Session>(heap.alloc(offsetof<Session>()));
const trial = new TrialTask(boot, session, deployment);
const deviceKey: usize = memory.data(32);
const id: usize = memory.data<u8>([0x64, 0x31]);

/** As the agent starts; `isTested`: this boot came from a deployment that is being tested. */
export function start(isTested: bool): i32 {
  session.proven = false;
  if (!boot.load()) return 0;
  seedRandom(deviceKey, boot.bootCounter);
  if (!isTested) return 1;
  deployment.take(id, 2, 1);
  deployment.enter(DeploymentState.Testing);
  deployment.dirty = false;
  return 1;
}
export function prove(isProven: bool): void {
  session.proven = isProven;
}
/** Draws noise, when it is time to. What is known of the source then, EntropyState. */
export function noise(nowUs: i64): u32 {
  refreshRandom(nowUs);
  return entropyState;
}
/** When it wants to look again. */
export function look(nowUs: i64): i64 {
  return trial.run(nowUs);
}

export function isOnTrial(): bool {
  return boot.trial;
}
export function isRecorded(): bool {
  return boot.isRecorded();
}
export function ticks(): u32 {
  return trial.appTicks;
}
export function health(): u32 {
  return trial.appHealth;
}
export function metric(): i32 {
  return trial.appMetric;
}
export function metricNameBytes(): u32 {
  return trial.appMetricNameBytes;
}
/** Whether a check-in has something new to say, since this was asked last. */
export function hasChanged(): bool {
  const changed = trial.changed;
  trial.changed = false;
  return changed;
}
export function deploymentState(): i32 {
  return deployment.state;
}
export function deploymentCode(): i32 {
  return deployment.code;
}
export function isDirty(): bool {
  return deployment.dirty;
}

export function raiseFloor(otherCounter: u32): bool {
  return boot.raiseFloor(otherCounter);
}
export function selfTest(): bool {
  return selfTestPasses();
}
