// Which event may bring a deployment from where to where. What may follow what at all is one table for both sides
// (packages/image-format, deployment-state.ts); this one says who gives which states, and docs/architecture.md has the
// two printed as one.

import {
  type DeploymentStateName,
  deploymentStateNames,
  deploymentStateOf,
  isFinalState,
  mayFollow,
} from "@flipside/image-format";
import type { DeploymentSnapshot } from "./snapshots.ts";

export const mayFollowName = (from: DeploymentStateName, to: DeploymentStateName): boolean =>
  mayFollow(deploymentStateOf(from), deploymentStateOf(to));

/**
 * Final states that later evidence may revise: those that have a way out of them. They are looked at again at each
 * check-in, and their moves are counted and told like every other, with what the deployment was before. `confirmed` is
 * none of them yet, as docs/protocol.md has no way out of it. That an image was confirmed and then gave way will be
 * news: nothing here or in the engine stands in its way then.
 */
export const revisableStates: readonly DeploymentStateName[] = deploymentStateNames.filter(
  (from) => isFinalState(from) && deploymentStateNames.some((to) => mayFollowName(from, to)),
);

export const isRevisable = (state: DeploymentStateName): boolean => revisableStates.includes(state);

const underWay = ["offered", "downloading", "verifying", "installed", "rebooting", "testing"] as const;
const reportable = [...underWay.slice(1), "failed", "rejected"] as const;

interface Transition {
  from: readonly DeploymentStateName[];
  to: readonly DeploymentStateName[];
}

export const deploymentTransitions = {
  "offer-due": { from: ["queued"], to: ["offered", "confirmed"] },
  reported: { from: underWay, to: reportable },
  // Only a check-in proves `confirmed` and `rolled-back` (docs/protocol.md, "Deployment states").
  "checked-in": { from: [...underWay, ...revisableStates], to: [...reportable, "confirmed", "rolled-back"] },
  "deadline-passed": { from: ["queued", ...underWay], to: ["timed-out"] },
  "device-revoked": { from: ["queued", ...underWay], to: ["cancelled", "timed-out"] },
  cancel: { from: ["queued", ...underWay], to: ["cancelled"] },
} as const satisfies Record<string, Transition>;

export type DeploymentCause = keyof typeof deploymentTransitions;

export function mayMove(cause: DeploymentCause, from: DeploymentStateName, to: DeploymentStateName): boolean {
  const transition: Transition = deploymentTransitions[cause];
  return transition.from.includes(from) && transition.to.includes(to) && mayFollowName(from, to);
}

/** What ends a deployment from the server's side brings it to the first state of its row that may follow. */
export const endedBy = (
  cause: "deadline-passed" | "device-revoked" | "cancel",
  from: DeploymentStateName,
): DeploymentStateName | undefined => deploymentTransitions[cause].to.find((to) => mayMove(cause, from, to));

/** Whether a device may say that it is in this state; the others are proven by a check-in, or given by the server. */
export const isReportable = (state: DeploymentStateName): boolean =>
  (reportable as readonly DeploymentStateName[]).includes(state);

/** Whether a report only says how far a deployment has come in the state that it is in. */
export const isProgress = (
  deployment: Pick<DeploymentSnapshot, "attempt" | "state">,
  attempt: number,
  state: DeploymentStateName,
): boolean =>
  attempt === deployment.attempt && state === deployment.state && !isFinalState(state) && isReportable(state);
