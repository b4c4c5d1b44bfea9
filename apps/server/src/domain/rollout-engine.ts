// The rollout engine: what happens to a rollout when something happens. Pure: no storage, no clock, no MQTT. The
// service loads a snapshot, calls `step`, stores the changes in the same transaction, and publishes after the commit.
//
// What the operator's words mean, exactly:
//   pause    no new offers and no new wave; deployments that were offered go on; time-outs of those that wait stop.
//   resume   offers go on. What has failed in the wave so far is accepted: its gate counts only what finishes later.
//   cancel   queued, offered, downloading and verifying deployments become `cancelled`; later ones, which are past the
//            point of no return, go on to their own end.
// A wave starts when every deployment of the one before is final and that one's gate holds. The gate fails as soon as
// more than `failureThresholdPercent` of the wave's finished deployments failed; the rollout then pauses by itself.

import { mayAct } from "@flipside/api/rollout-actions";
import { countInto, failuresOf, sharePercent, type WaveTally } from "@flipside/api/rollout-arithmetic";
import type { RolloutState } from "@flipside/api/types";
import {
  type DeploymentStateName,
  deploymentStateOf,
  errorName,
  isFinalState,
  mayFollow,
} from "@flipside/image-format";

export interface RolloutSnapshot {
  state: RolloutState;
  pauseReason: string | null;
  currentWave: number;
  deadlineMs: number;
  failureThresholdPercent: number;
  /** What the operator accepted by resuming, in the wave named. */
  accepted: { wave: number; finished: number; failed: number };
  waves: WaveTally[];
}

export interface DeploymentSnapshot {
  id: string;
  wave: number;
  attempt: number;
  digest: string;
  state: DeploymentStateName;
  code: number;
  done: number;
  total: number;
  deadlineAt: number | null;
  /** The newest deployment of its device that was ever offered. */
  newestOffered: boolean;
}

/** What a check-in proves about deployments. */
export interface CheckInEvidence {
  running: { digest: string; state: string };
  other: { digest?: string | undefined; state: string; reason: number };
  deployment?: { id: string; attempt: number; state: DeploymentStateName; code: number } | undefined;
}

export type RolloutEvent =
  | { type: "started" }
  | { type: "offer-due"; deployment: DeploymentSnapshot; alreadyConfirmed: boolean }
  | {
      type: "reported";
      deployment: DeploymentSnapshot;
      attempt: number;
      state: DeploymentStateName;
      code: number;
      done: number;
      total: number;
    }
  | { type: "checked-in"; deployment: DeploymentSnapshot; evidence: CheckInEvidence }
  | { type: "deadline-passed"; deployment: DeploymentSnapshot }
  | { type: "device-revoked"; deployment: DeploymentSnapshot }
  | { type: "pause"; by: string }
  | { type: "resume"; by: string }
  | { type: "cancel"; by: string; open: DeploymentSnapshot[] };

export interface DeploymentChange {
  id: string;
  state?: DeploymentStateName;
  code?: number;
  done?: number;
  total?: number;
  deadlineAt?: number;
  /** The deployment has just been offered. */
  offered?: true;
  finishedAt?: number | null;
}

/** A deployment went from one state to another; out of a final one, too, when later evidence revised it. */
export interface Move {
  id: string;
  wave: number;
  from: DeploymentStateName;
  to: DeploymentStateName;
}

/**
 * Final states that later evidence may revise: given up here, and installed all the same. `confirmed` is none of them
 * yet, as docs/protocol.md has no way out of it. That an image was confirmed and then gave way will be news: then it
 * joins this list, is looked at again at each check-in, and its move is counted and told like every other, with what it
 * was before.
 */
export const revisableStates = ["cancelled", "timed-out"] as const satisfies readonly DeploymentStateName[];

export type RevisableState = (typeof revisableStates)[number];

export const isRevisable = (state: DeploymentStateName): state is RevisableState =>
  (revisableStates as readonly DeploymentStateName[]).includes(state);

export interface Changes {
  rollout: Partial<Pick<RolloutSnapshot, "state" | "pauseReason" | "currentWave" | "accepted">> & {
    finishedAt?: number;
  };
  deployments: DeploymentChange[];
  moves: Move[];
  /** Queued deployments of waves up to this one get this deadline (a wave has started, or waiting goes on). */
  queuedDeadline: { throughWave: number; deadlineAt: number } | undefined;
  /** Automatic decisions and the operator's, with the numbers that they were taken on. */
  decisions: string[];
  /** Why the event changed nothing, when that is worth a log entry. */
  refused: string | undefined;
}

/** States that only a check-in can prove, and those that only the server gives. */
const notFromReports: readonly DeploymentStateName[] = [
  "queued",
  "offered",
  "confirmed",
  "rolled-back",
  "cancelled",
  "timed-out",
];

export const mayFollowName = (from: DeploymentStateName, to: DeploymentStateName): boolean =>
  mayFollow(deploymentStateOf(from), deploymentStateOf(to));

/** Whether a report only says how far a deployment has come in the state that it is in. */
export const isProgress = (
  deployment: Pick<DeploymentSnapshot, "attempt" | "state">,
  attempt: number,
  state: DeploymentStateName,
): boolean =>
  attempt === deployment.attempt &&
  state === deployment.state &&
  !isFinalState(state) &&
  !notFromReports.includes(state);

/** Whether the deployments of this wave may be offered. */
export const waveIsOpen = (rollout: Pick<RolloutSnapshot, "state" | "currentWave">, wave: number): boolean =>
  rollout.state === "running" && wave <= rollout.currentWave;

/**
 * The state that a check-in proves a deployment to be in, or undefined when it proves nothing new.
 * `confirmed` and `rolled-back` come from here only (docs/protocol.md, "Deployment states").
 */
export function provenState(
  deployment: DeploymentSnapshot,
  evidence: CheckInEvidence,
): { state: DeploymentStateName; code: number } | undefined {
  const said =
    evidence.deployment?.id === deployment.id && evidence.deployment.attempt === deployment.attempt
      ? evidence.deployment
      : undefined;
  const { state } = deployment;
  if (evidence.running.digest === deployment.digest && evidence.running.state === "confirmed") {
    if (state === "queued") return undefined; // nobody asked the device yet: decided when it is to be offered
    // Given up, and yet it was installed: only the device's last deployment can be the one that did it.
    if (isRevisable(state) && said === undefined && (evidence.deployment !== undefined || !deployment.newestOffered))
      return undefined;
    return mayFollowName(state, "confirmed") ? { state: "confirmed", code: 0 } : undefined;
  }
  if (isFinalState(state) || state === "queued") return undefined;
  const pastNoReturn = state === "installed" || state === "rebooting" || state === "testing";
  // Before `installed`, a failed other slot may be what an earlier deployment of the same image left behind; then the
  // device's own word that it was this one is needed too.
  if (
    evidence.other.digest === deployment.digest &&
    evidence.other.state === "failed" &&
    (pastNoReturn || said?.state === "rolled-back")
  ) {
    return mayFollowName(state, "rolled-back") ? { state: "rolled-back", code: evidence.other.reason } : undefined;
  }
  if (said === undefined || notFromReports.includes(said.state) || !mayFollowName(state, said.state)) return undefined;
  return { state: said.state, code: said.code };
}

export function step(rollout: RolloutSnapshot, event: RolloutEvent, now: number): Changes {
  const changes: Changes = {
    rollout: {},
    deployments: [],
    moves: [],
    queuedDeadline: undefined,
    decisions: [],
    refused: undefined,
  };
  const next: RolloutSnapshot = { ...rollout, waves: rollout.waves.map((wave) => ({ ...wave })) };

  function move(
    deployment: DeploymentSnapshot,
    state: DeploymentStateName,
    more: Omit<DeploymentChange, "id" | "state"> = {},
  ): void {
    const wave = next.waves[deployment.wave]!;
    countInto(wave, deployment.state, -1);
    countInto(wave, state, 1);
    changes.moves.push({ id: deployment.id, wave: deployment.wave, from: deployment.state, to: state });
    changes.deployments.push({
      id: deployment.id,
      state,
      ...more,
      ...(isFinalState(state) ? { finishedAt: now } : {}),
    });
  }

  function set(change: Changes["rollout"]): void {
    Object.assign(changes.rollout, change);
    Object.assign(next, change);
  }

  function refuse(why: string): Changes {
    changes.refused = why;
    return changes;
  }

  switch (event.type) {
    case "started":
      changes.queuedDeadline = { throughWave: rollout.currentWave, deadlineAt: now + rollout.deadlineMs };
      changes.decisions.push(
        `started: ${next.waves.reduce((sum, wave) => sum + wave.total, 0)} devices in ${next.waves.length} waves`,
      );
      break;

    case "offer-due": {
      const { deployment } = event;
      if (deployment.state !== "queued" || !waveIsOpen(rollout, deployment.wave))
        return refuse("the deployment is not due");
      if (event.alreadyConfirmed) move(deployment, "confirmed");
      else move(deployment, "offered", { offered: true, deadlineAt: now + rollout.deadlineMs });
      break;
    }

    case "reported": {
      const { deployment, state } = event;
      if (event.attempt !== deployment.attempt)
        return refuse(`it is for attempt ${event.attempt}, the deployment is at ${deployment.attempt}`);
      // The device says so a moment before it checks in, and the check-in decides: not worth a log entry.
      if (state === "confirmed" || state === "rolled-back") return changes;
      if (notFromReports.includes(state)) return refuse(`a device cannot report ${state}`);
      if (state === deployment.state && !isFinalState(state)) {
        changes.deployments.push({ id: deployment.id, code: event.code, done: event.done, total: event.total });
        return changes;
      }
      if (!mayFollowName(deployment.state, state) || deployment.state === "queued")
        return refuse(`${state} cannot follow ${deployment.state}`);
      move(deployment, state, {
        code: event.code,
        ...(event.total > 0 ? { done: event.done, total: event.total } : {}),
      });
      break;
    }

    case "checked-in": {
      const proven = provenState(event.deployment, event.evidence);
      if (proven === undefined) return changes;
      move(event.deployment, proven.state, {
        code: proven.code,
        ...(proven.state === "confirmed" ? { done: event.deployment.total } : {}),
      });
      break;
    }

    case "deadline-passed": {
      const { deployment } = event;
      if (isFinalState(deployment.state) || deployment.deadlineAt === null || deployment.deadlineAt > now)
        return changes;
      if (deployment.state === "queued" && !waveIsOpen(rollout, deployment.wave)) return changes;
      move(deployment, "timed-out");
      break;
    }

    case "device-revoked":
      if (mayFollowName(event.deployment.state, "cancelled")) move(event.deployment, "cancelled");
      else if (mayFollowName(event.deployment.state, "timed-out")) move(event.deployment, "timed-out");
      else return changes;
      break;

    case "pause":
      if (!mayAct(rollout.state, "pause")) return refuse(`the rollout is ${rollout.state}`);
      set({ state: "paused", pauseReason: `paused by ${event.by}` });
      changes.decisions.push(`paused by ${event.by}`);
      return changes;

    case "resume": {
      if (!mayAct(rollout.state, "resume")) return refuse(`the rollout is ${rollout.state}`);
      const wave = next.waves[next.currentWave]!;
      const { failed, counted } = failuresOf(wave);
      const accepted = { wave: next.currentWave, finished: counted, failed };
      set({ state: "running", pauseReason: null, accepted });
      changes.queuedDeadline = { throughWave: next.currentWave, deadlineAt: now + rollout.deadlineMs };
      changes.decisions.push(
        `resumed by ${event.by}, who accepted ${accepted.failed} failed of ${accepted.finished} finished in wave ${next.currentWave + 1}`,
      );
      break;
    }

    case "cancel":
      if (!mayAct(rollout.state, "cancel")) return refuse(`the rollout is ${rollout.state}`);
      for (const deployment of event.open)
        if (mayFollowName(deployment.state, "cancelled")) move(deployment, "cancelled");
      changes.decisions.push(
        `cancelled by ${event.by}: ${changes.deployments.length} deployments cancelled, ${event.open.length - changes.deployments.length} past the point of no return go on`,
      );
      set({ state: "cancelled", pauseReason: null, finishedAt: now });
      return changes;
  }

  advance();
  return changes;

  /** Gate, then the next wave, as far as that goes. */
  function advance(): void {
    while (next.state === "running") {
      const wave = next.waves[next.currentWave]!;
      const accepted = next.accepted.wave === next.currentWave ? next.accepted : { finished: 0, failed: 0 };
      const all = failuresOf(wave);
      const since = { failed: all.failed - accepted.failed, counted: all.counted - accepted.finished };
      if (since.counted > 0 && since.failed > 0 && since.failed * 100 > next.failureThresholdPercent * since.counted) {
        const share = `${sharePercent(since)} %, more than ${next.failureThresholdPercent} %`;
        const numbers = `${since.failed} of ${since.counted} finished deployments of wave ${next.currentWave + 1} failed (${share})`;
        set({ state: "paused", pauseReason: numbers });
        changes.decisions.push(
          `paused automatically: ${numbers}; ${wave.total - wave.finished} of the wave are unfinished`,
        );
        return;
      }
      if (wave.finished < wave.total) return;
      if (next.currentWave === next.waves.length - 1) {
        const sum = (pick: (wave: WaveTally) => number): number =>
          next.waves.reduce((total, each) => total + pick(each), 0);
        set({ state: "completed", finishedAt: now });
        changes.decisions.push(
          `completed: ${sum((w) => w.succeeded)} confirmed, ${sum((w) => failuresOf(w).failed)} failed, ${sum((w) => w.cancelled)} cancelled of ${sum((w) => w.total)}`,
        );
        return;
      }
      set({ currentWave: next.currentWave + 1 });
      changes.queuedDeadline = { throughWave: next.currentWave, deadlineAt: now + next.deadlineMs };
      changes.decisions.push(
        `wave ${next.currentWave + 1} started (${next.waves[next.currentWave]!.total} devices): wave ${next.currentWave} has ${wave.succeeded} confirmed and ${all.failed} failed of ${wave.total}, threshold ${next.failureThresholdPercent} %`,
      );
    }
  }
}

/** What went wrong, for people: the state, and the code's name if there is one. */
export const outcomeText = (state: DeploymentStateName, code: number): string =>
  code === 0 ? state : `${state} (${errorName(code)})`;
