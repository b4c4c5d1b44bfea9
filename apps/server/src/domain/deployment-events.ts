// What devices say and show, and what time does to a deployment.

import { errorName, type DeploymentStateName } from "@flipside/image-format";
import { changing, move, moving, nothing, refusal } from "./changes.ts";
import { provenState } from "./check-in-evidence.ts";
import { endedBy, isProgress, isReportable, mayMove } from "./deployment-transitions.ts";
import type { Now } from "./now.ts";
import { afterOffer, isOfferDue } from "./offer-rate.ts";
import type { Handlers } from "./rollout-events.ts";
import {
  type DeploymentSnapshot,
  mayBeOffered,
  presentWave,
  type RolloutSnapshot,
  underWay,
  waitsOnly,
  waveIsOpen,
} from "./snapshots.ts";
import { counted } from "./counted.ts";

type OfDeployments =
  | "offer-due"
  | "reported"
  | "checked-in"
  | "deadline-passed"
  | "others-away"
  | "late-offers-expired"
  | "superseded"
  | "device-revoked";

/** What of the rollout's own rules keeps an offer from a device that is there; undefined: nothing. */
export function heldBackBy(
  rollout: RolloutSnapshot,
  { wave, notBefore }: Pick<DeploymentSnapshot, "wave" | "notBefore">,
  { steadyMs }: Now,
): string | undefined {
  const { underWayMax, rate } = rollout.rules[wave]!;
  if (notBefore !== null && notBefore > steadyMs) return "it is not time for the next try";
  if (underWayMax !== null && underWay(rollout) >= underWayMax)
    return `${counted(underWayMax, "device is", "devices are")} at work on it, which is as many as may be`;
  return rate !== null && !isOfferDue(rollout.nextOfferAt, steadyMs) ? "the next offer is not due yet" : undefined;
}

export const deploymentEvents: Handlers<OfDeployments> = {
  "offer-due"(rollout, { deployment, alreadyConfirmed, runs }, now) {
    const { state, wave } = deployment;
    const to = alreadyConfirmed ? "confirmed" : "offered";
    if (!mayMove("offer-due", state, to) || !mayBeOffered(rollout, deployment))
      return refusal("the deployment is not due");
    if (alreadyConfirmed) return move(now, deployment, to);
    const heldBack = heldBackBy(rollout, deployment, now);
    if (heldBack !== undefined) return refusal(heldBack);
    const { deadlineMs, rate } = rollout.rules[wave]!;
    const { confirmed } = rollout.counts;
    return {
      ...move(now, deployment, to, { offered: true, deadlineAt: now.steadyMs + deadlineMs, cameFrom: runs }),
      rollout: rate === null ? {} : { nextOfferAt: afterOffer(rate, confirmed, rollout.nextOfferAt, now.steadyMs) },
    };
  },

  reported(_, { deployment, attempt, state, code, done, total }, now) {
    if (attempt !== deployment.attempt)
      return refusal(`it is for attempt ${attempt}, the deployment is at ${deployment.attempt}`);
    // The device says so a moment before it checks in, and the check-in decides: not worth a log entry.
    if (state === "confirmed" || state === "rolled-back") return nothing();
    if (!isReportable(state)) return refusal(`a device cannot report ${state}`);
    if (isProgress(deployment, attempt, state))
      return changing({ deployments: [{ id: deployment.id, code, done, total }] });
    if (!mayMove("reported", deployment.state, state)) return refusal(`${state} cannot follow ${deployment.state}`);
    return move(now, deployment, state, { code, ...(total > 0 ? { done, total } : {}) });
  },

  "checked-in"(_, { deployment, evidence }, now) {
    const proven = provenState(deployment, evidence);
    if (proven === undefined) return nothing();
    const done = proven.state === "confirmed" ? { done: deployment.total } : {};
    const moved = move(now, deployment, proven.state, { code: proven.code, ...done });
    if (deployment.state !== "confirmed") return moved;
    const { deviceId, wave } = deployment;
    return {
      ...moved,
      decisions: [
        `${deviceId} of wave ${wave + 1} had been confirmed, and its image gave way: ${outcomeText(proven.state, proven.code)}`,
      ],
    };
  },

  "deadline-passed"(rollout, { deployment, isHeldBack }, now) {
    const { id, state, deadlineAt, wave } = deployment;
    const to = endedBy("deadline-passed", state);
    if (to === undefined || deadlineAt === null || deadlineAt > now.steadyMs) return nothing();
    if (state === "queued" && !waveIsOpen(rollout, wave)) return nothing();
    // It is not the device that is late.
    if (state === "queued" && isHeldBack)
      return changing({ deployments: [{ id, deadlineAt: now.steadyMs + rollout.rules[wave]!.deadlineMs }] });
    return move(now, deployment, to, to === "unreached" ? { deadlineAt: now.steadyMs + rollout.lateOffersMs } : {});
  },

  "others-away"(rollout, { away, before = 0, others = 0 }, now) {
    const { currentWave, lateOffersMs } = rollout;
    if (rollout.state !== "running" || !waitsOnly(rollout)) return nothing();
    const { total, finished, waiting } = presentWave(rollout)!;
    const deadlineAt = now.steadyMs + lateOffersMs;
    const set = away.filter(({ wave, state }) => wave === currentWave && mayMove("others-away", state, "unreached"));
    if (set.length + others < waiting) return nothing();
    const left = counted(before + set.length, "device that is", "devices that are");
    const said = `wave ${currentWave + 1} does not wait for ${left} away: ${finished} of ${total} have finished; who comes back is offered the image`;
    return {
      ...moving(
        set.map((deployment) => ({ deployment, to: "unreached" as const, more: { deadlineAt } })),
        now,
      ),
      decisions: others > 0 ? [] : [said],
    };
  },

  "late-offers-expired"(_, { deployment }, now) {
    const to = endedBy("late-offers-expired", deployment.state);
    const { deadlineAt } = deployment;
    return to === undefined || deadlineAt === null || deadlineAt > now.steadyMs ? nothing() : move(now, deployment, to);
  },

  superseded(_, { deployment, why }, now) {
    const to = endedBy("superseded", deployment.state);
    if (to === undefined) return refusal(`the deployment is ${deployment.state}`);
    return { ...move(now, deployment, to), decisions: [`${deployment.deviceId} ${why}: its deployment is cancelled`] };
  },

  "device-revoked"(_, { deployment }, now) {
    const to = endedBy("device-revoked", deployment.state);
    return to === undefined ? nothing() : move(now, deployment, to);
  },
};

/** What went wrong, for people: the state, and the code's name if there is one. */
export const outcomeText = (state: DeploymentStateName, code: number): string =>
  code === 0 ? state : `${state} (${errorName(code)})`;
