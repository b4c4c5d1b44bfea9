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

/** What only the server knows of: a device that was away, and an image that was confirmed and then gave way. */
const serversOwn: Partial<Record<DeploymentStateName, readonly DeploymentStateName[]>> = {
  queued: ["unreached"],
  unreached: ["offered", "confirmed", "cancelled"],
  confirmed: ["rolled-back"],
};

/** A try that ended is followed by another one: not by evidence, but because somebody wants it. */
const retriable = ["failed", "rejected", "timed-out", "rolled-back", "cancelled"] as const;

export const mayFollowName = (from: DeploymentStateName, to: DeploymentStateName): boolean =>
  mayFollow(deploymentStateOf(from), deploymentStateOf(to)) || serversOwn[from]?.includes(to) === true;

/**
 * Final states that later evidence may revise: those that have a way out of them. They are looked at again at each
 * check-in, and their moves are counted and told like every other, with what the deployment was before. `timed-out` and
 * `cancelled` yield to a check-in that proves the image confirmed, `confirmed` to one that proves that it gave way.
 */
export const revisableStates: readonly DeploymentStateName[] = deploymentStateNames.filter(
  (from) => isFinalState(from) && deploymentStateNames.some((to) => mayFollowName(from, to)),
);

/** Given up by the server, and perhaps installed all the same. */
export const isGivenUp = (state: DeploymentStateName): boolean =>
  isFinalState(state) && mayFollowName(state, "confirmed");

export const givenUpStates: readonly DeploymentStateName[] = deploymentStateNames.filter(isGivenUp);

/** Nobody has asked the device yet. */
export const isWaiting = (state: DeploymentStateName): boolean => state === "queued" || state === "unreached";

export const isAbandonable = (state: DeploymentStateName): boolean =>
  (abandonable as readonly DeploymentStateName[]).includes(state);

/** It is to fetch the image, or is at it. */
export const isDownloading = (state: DeploymentStateName | undefined): boolean =>
  state === "offered" || state === "downloading";

const underWay = ["offered", "downloading", "verifying", "installed", "rebooting", "testing"] as const;
/** Not past the point of no return: the device gives them up when it is told of another. */
export const abandonable = ["offered", "downloading", "verifying"] as const;
const reportable = [...underWay.slice(1), "failed", "rejected"] as const;

interface Transition {
  from: readonly DeploymentStateName[];
  to: readonly DeploymentStateName[];
}

export const deploymentTransitions = {
  "offer-due": { from: ["queued", "unreached"], to: ["offered", "confirmed"] },
  reported: { from: underWay, to: reportable },
  // Only a check-in proves `confirmed` and `rolled-back` (docs/protocol.md, "Deployment states").
  "checked-in": { from: [...underWay, ...revisableStates], to: [...reportable, "confirmed", "rolled-back"] },
  "deadline-passed": { from: ["queued", ...underWay], to: ["unreached", "timed-out"] },
  "others-away": { from: ["queued"], to: ["unreached"] },
  "late-offers-expired": { from: ["unreached"], to: ["cancelled"] },
  "end-late-offers": { from: ["unreached"], to: ["cancelled"] },
  superseded: { from: ["queued", "unreached", ...abandonable], to: ["cancelled"] },
  exclude: { from: ["queued", "unreached", ...abandonable], to: ["cancelled"] },
  retry: { from: retriable, to: ["queued"] },
  "device-revoked": { from: ["queued", "unreached", ...underWay], to: ["cancelled", "timed-out"] },
  "give-way": { from: ["queued", "unreached"], to: ["cancelled"] },
  cancel: { from: ["queued", "unreached", ...underWay], to: ["cancelled"] },
} as const satisfies Record<string, Transition>;

export type DeploymentCause = keyof typeof deploymentTransitions;

export function mayMove(cause: DeploymentCause, from: DeploymentStateName, to: DeploymentStateName): boolean {
  const transition: Transition = deploymentTransitions[cause];
  const isAnotherTry = cause === "retry";
  return transition.from.includes(from) && transition.to.includes(to) && (isAnotherTry || mayFollowName(from, to));
}

/** What ends a deployment from the server's side brings it to the first state of its row that may follow. */
export const endedBy = (
  cause: Exclude<DeploymentCause, "offer-due" | "reported" | "checked-in" | "retry">,
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
