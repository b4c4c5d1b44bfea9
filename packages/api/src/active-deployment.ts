// Which of a device's deployments is shown as its own. Pure: the server chooses by it, and the console between two
// check-ins.

import { type DeploymentStateName, isFinalState } from "@flipside/image-format/state-names";
import { outcomeOf } from "./rollout-arithmetic.ts";

/**
 * The deployment that a device is busy with, else the first that waits for it. `deployments` are in order of creation.
 */
export function activeOf<T extends { state: DeploymentStateName }>(deployments: readonly T[]): T | undefined {
  const open = deployments.filter(({ state }) => !isFinalState(state));
  return open.find(({ state }) => outcomeOf(state) !== "waiting") ?? open[0];
}
