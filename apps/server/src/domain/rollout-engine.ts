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
//
// One function for each kind of event says what it changes; what may become what is in deployment-transitions.ts and in
// @flipside/api/rollout-transitions. Then the gates are asked, as far as that goes.

import { countInto, failuresOf, sharePercent, type WaveTally } from "@flipside/api/rollout-arithmetic";
import { mayAct, rolloutTransitions } from "@flipside/api/rollout-transitions";
import { type DeploymentStateName, errorName, isFinalState } from "@flipside/image-format";
import { type CheckInEvidence, provenState } from "./check-in-evidence.ts";
import { endedBy, isProgress, isReportable, mayMove } from "./deployment-transitions.ts";
import { type DeploymentSnapshot, type RolloutSnapshot, waveIsOpen } from "./snapshots.ts";

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

const changing = (what: Partial<Changes>): Changes => ({
  rollout: {},
  deployments: [],
  moves: [],
  queuedDeadline: undefined,
  decisions: [],
  refused: undefined,
  ...what,
});

const nothing = (): Changes => changing({});
const refusal = (why: string): Changes => changing({ refused: why });

interface NextState {
  deployment: DeploymentSnapshot;
  to: DeploymentStateName;
  more?: Omit<DeploymentChange, "id" | "state" | "finishedAt">;
}

const moving = (nexts: readonly NextState[], now: number): Changes =>
  changing({
    moves: nexts.map(({ deployment: { id, wave, state }, to }) => ({ id, wave, from: state, to })),
    deployments: nexts.map(({ deployment: { id }, to, more }) => ({
      id,
      state: to,
      ...more,
      ...(isFinalState(to) ? { finishedAt: now } : {}),
    })),
  });

const move = (
  now: number,
  deployment: DeploymentSnapshot,
  to: DeploymentStateName,
  more?: NextState["more"],
): Changes => moving([more === undefined ? { deployment, to } : { deployment, to, more }], now);

/** What the event does by itself, before the gates are asked. */
type Handlers = {
  [Type in RolloutEvent["type"]]: (
    rollout: RolloutSnapshot,
    event: Extract<RolloutEvent, { type: Type }>,
    now: number,
  ) => Changes;
};

const handlers: Handlers = {
  started: ({ waves, currentWave, deadlineMs }, _, now) =>
    changing({
      queuedDeadline: { throughWave: currentWave, deadlineAt: now + deadlineMs },
      decisions: [`started: ${sumOf(waves, ({ total }) => total)} devices in ${waves.length} waves`],
    }),

  "offer-due"(rollout, { deployment, alreadyConfirmed }, now) {
    const to = alreadyConfirmed ? "confirmed" : "offered";
    if (!mayMove("offer-due", deployment.state, to) || !waveIsOpen(rollout, deployment.wave))
      return refusal("the deployment is not due");
    return move(now, deployment, to, alreadyConfirmed ? {} : { offered: true, deadlineAt: now + rollout.deadlineMs });
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
    return move(now, deployment, proven.state, { code: proven.code, ...done });
  },

  "deadline-passed"(rollout, { deployment }, now) {
    const { state, deadlineAt, wave } = deployment;
    const to = endedBy("deadline-passed", state);
    if (to === undefined || deadlineAt === null || deadlineAt > now) return nothing();
    if (state === "queued" && !waveIsOpen(rollout, wave)) return nothing();
    return move(now, deployment, to);
  },

  "device-revoked"(_, { deployment }, now) {
    const to = endedBy("device-revoked", deployment.state);
    return to === undefined ? nothing() : move(now, deployment, to);
  },

  pause({ state }, { by }) {
    if (!mayAct(state, "pause")) return refusal(`the rollout is ${state}`);
    const pauseReason = `paused by ${by}`;
    return changing({ rollout: { state: rolloutTransitions.pause.to, pauseReason }, decisions: [pauseReason] });
  },

  resume({ state, currentWave, waves, deadlineMs }, { by }, now) {
    if (!mayAct(state, "resume")) return refusal(`the rollout is ${state}`);
    const { failed, counted } = failuresOf(waves[currentWave]!);
    return changing({
      rollout: {
        state: rolloutTransitions.resume.to,
        pauseReason: null,
        accepted: { wave: currentWave, finished: counted, failed },
      },
      queuedDeadline: { throughWave: currentWave, deadlineAt: now + deadlineMs },
      decisions: [`resumed by ${by}, who accepted ${failed} failed of ${counted} finished in wave ${currentWave + 1}`],
    });
  },

  cancel({ state }, { by, open }, now) {
    if (!mayAct(state, "cancel")) return refusal(`the rollout is ${state}`);
    const ended = open.flatMap((deployment) => {
      const to = endedBy("cancel", deployment.state);
      return to === undefined ? [] : [{ deployment, to }];
    });
    const numbers = `${ended.length} deployments cancelled, ${open.length - ended.length} past the point of no return go on`;
    return {
      ...moving(ended, now),
      rollout: { state: rolloutTransitions.cancel.to, pauseReason: null, finishedAt: now },
      decisions: [`cancelled by ${by}: ${numbers}`],
    };
  },
};

/** Each kind of event has its handler: the types of `Handlers` hold that, which cannot follow the two by one name. */
const handle = (rollout: RolloutSnapshot, event: RolloutEvent, now: number): Changes =>
  (handlers[event.type] as (rollout: RolloutSnapshot, event: RolloutEvent, now: number) => Changes)(
    rollout,
    event,
    now,
  );

export function step(rollout: RolloutSnapshot, event: RolloutEvent, now: number): Changes {
  let changes = handle(rollout, event, now);
  // What moves no deployment, and lets none wait anew, fulfils no gate.
  if (changes.moves.length === 0 && changes.queuedDeadline === undefined) return changes;
  let next = after(rollout, changes);
  for (let more = passGate(next, now); more !== undefined; more = passGate(next, now)) {
    next = after(next, more);
    changes = followedBy(changes, more);
  }
  return changes;
}

function after(rollout: RolloutSnapshot, { rollout: { finishedAt: _, ...changed }, moves }: Changes): RolloutSnapshot {
  const waves = rollout.waves.map((wave) => ({ ...wave }));
  for (const { wave, from, to } of moves) {
    countInto(waves[wave]!, from, -1);
    countInto(waves[wave]!, to, 1);
  }
  return { ...rollout, ...changed, waves };
}

const followedBy = (first: Changes, then: Changes): Changes => ({
  ...first,
  rollout: { ...first.rollout, ...then.rollout },
  queuedDeadline: then.queuedDeadline ?? first.queuedDeadline,
  decisions: [...first.decisions, ...then.decisions],
});

const sumOf = (waves: readonly WaveTally[], pick: (wave: WaveTally) => number): number =>
  waves.reduce((total, wave) => total + pick(wave), 0);

/** What the present wave's gate does: it fails, lets the next wave begin, or ends the rollout; or nothing yet. */
function passGate(rollout: RolloutSnapshot, now: number): Changes | undefined {
  if (rollout.state !== "running") return undefined;
  const wave = rollout.waves[rollout.currentWave]!;
  return gateFailure(rollout, wave) ?? (wave.finished < wave.total ? undefined : waveDone(rollout, wave, now));
}

function gateFailure({ accepted, currentWave, failureThresholdPercent }: RolloutSnapshot, wave: WaveTally) {
  const before = accepted.wave === currentWave ? accepted : { finished: 0, failed: 0 };
  const all = failuresOf(wave);
  const since = { failed: all.failed - before.failed, counted: all.counted - before.finished };
  const fails = since.counted > 0 && since.failed > 0 && since.failed * 100 > failureThresholdPercent * since.counted;
  if (!fails) return undefined;
  const share = `${sharePercent(since)} %, more than ${failureThresholdPercent} %`;
  const numbers = `${since.failed} of ${since.counted} finished deployments of wave ${currentWave + 1} failed (${share})`;
  return changing({
    rollout: { state: rolloutTransitions["gate-failed"].to, pauseReason: numbers },
    decisions: [`paused automatically: ${numbers}; ${wave.total - wave.finished} of the wave are unfinished`],
  });
}

function waveDone(rollout: RolloutSnapshot, wave: WaveTally, now: number): Changes {
  const { waves, currentWave, failureThresholdPercent } = rollout;
  if (currentWave === waves.length - 1) {
    const ends = [
      `${sumOf(waves, ({ succeeded }) => succeeded)} confirmed`,
      `${sumOf(waves, (each) => failuresOf(each).failed)} failed`,
      `${sumOf(waves, ({ cancelled }) => cancelled)} cancelled of ${sumOf(waves, ({ total }) => total)}`,
    ];
    return changing({
      rollout: { state: rolloutTransitions["last-wave-done"].to, finishedAt: now },
      decisions: [`completed: ${ends.join(", ")}`],
    });
  }
  const begun = currentWave + 1;
  const numbers = `${wave.succeeded} confirmed and ${failuresOf(wave).failed} failed of ${wave.total}`;
  return changing({
    rollout: { currentWave: begun },
    queuedDeadline: { throughWave: begun, deadlineAt: now + rollout.deadlineMs },
    decisions: [
      `wave ${begun + 1} started (${waves[begun]!.total} devices): wave ${begun} has ${numbers}, threshold ${failureThresholdPercent} %`,
    ],
  });
}

/** What went wrong, for people: the state, and the code's name if there is one. */
export const outcomeText = (state: DeploymentStateName, code: number): string =>
  code === 0 ? state : `${state} (${errorName(code)})`;
