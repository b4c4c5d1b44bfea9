// What a check-in proves about a deployment. Pure.

import type { DeploymentStateName } from "@flipside/image-format";
import { isGivenUp, isReportable, isWaiting, mayMove } from "./deployment-transitions.ts";
import type { DeploymentSnapshot } from "./snapshots.ts";

export interface CheckInEvidence {
  running: { digest: string; state: string };
  other: { digest?: string | undefined; state: string; reason: number };
  deployment?: { id: string; attempt: number; state: DeploymentStateName; code: number } | undefined;
}

export interface Proven {
  state: DeploymentStateName;
  code: number;
}

/** From `installed` on the other slot is this deployment's. */
const pastNoReturn: readonly DeploymentStateName[] = ["installed", "rebooting", "testing", "confirmed"];

/**
 * The state that a check-in proves a deployment to be in, or undefined when it proves nothing new.
 * `confirmed` and `rolled-back` come from here only (docs/protocol.md, "Deployment states").
 */
export function provenState(deployment: DeploymentSnapshot, evidence: CheckInEvidence): Proven | undefined {
  // Nobody asked the device yet: decided when it is to be offered.
  if (isWaiting(deployment.state)) return undefined;
  const proven = claimOf(deployment, evidence);
  return proven && mayMove("checked-in", deployment.state, proven.state) ? proven : undefined;
}

/**
 * A candidate that did not stay is *failed*. A confirmed image that crashed again and again, or that a command left,
 * stays *confirmed*, with the reason, and the other slot's runs (docs/boot-control.md, "yielded"); one that a rollout
 * went back from has none. That it had been confirmed nobody may have heard.
 */
const hasGivenWay = ({ state, reason }: CheckInEvidence["other"]): boolean =>
  state === "failed" || (state === "confirmed" && reason !== 0);

/** What the check-in speaks for, whether or not it may follow. */
function claimOf(
  deployment: DeploymentSnapshot,
  { running, other, deployment: named }: CheckInEvidence,
): Proven | undefined {
  const said = named?.id === deployment.id && named.attempt === deployment.attempt ? named : undefined;
  if (running.digest === deployment.digest && running.state === "confirmed") {
    // Given up, and yet it was installed: by the one that the device names, whichever try of it; where it names none,
    // only its last one can have done it.
    const isAnothers = named === undefined ? !deployment.isNewest : named.id !== deployment.id;
    return isGivenUp(deployment.state) && isAnothers ? undefined : { state: "confirmed", code: 0 };
  }
  // Before `installed`, a failed other slot may be what an earlier deployment of the same image left behind; then the
  // device's own word that it was this one is needed too.
  const isOurs = pastNoReturn.includes(deployment.state) || said?.state === "rolled-back";
  // An earlier deployment's confirmed image may have been installed anew since, by one that failed.
  const isOld = deployment.state === "confirmed" && !deployment.isNewest;
  if (other.digest === deployment.digest && hasGivenWay(other) && isOurs && !isOld)
    return { state: "rolled-back", code: other.reason };
  return said && isReportable(said.state) ? { state: said.state, code: said.code } : undefined;
}
