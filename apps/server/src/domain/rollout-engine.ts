// The rollout engine: what happens to a rollout when something happens. Pure: no storage, no clock, no MQTT. The
// service loads a snapshot, calls `step`, stores the changes in the same transaction, and publishes after the commit.
//
// What the operator's words mean, exactly:
//   pause    no new offers and no new wave; deployments that were offered go on; time-outs of those that wait stop.
//   resume   offers go on. What has failed in the waves so far is accepted: their gates count only what finishes later.
//   cancel   queued, offered, downloading and verifying deployments become `cancelled`; later ones, which are past the
//            point of no return, go on to their own end.
// A wave starts when every deployment of the one before is final or its device is away, that one's gate holds, and it
// was watched for `soakMs` besides. The gate of each wave that has started, of earlier ones, too, fails when more than
// `failureThresholdPercent` of its finished deployments failed, of at least `minimumSample` or as many as the wave can
// have; or as soon as the share is certain to be higher in the end. The rollout then pauses by itself.
//
// Success is not final: a device that was confirmed and whose image gave way since is a failure from then on. Nor is
// being away: who comes back is offered the image for `lateOffersMs`.
//
// One function for each kind of event says what it changes; what may become what is in deployment-transitions.ts and in
// @flipside/api/rollout-transitions. Then the gates are asked, as far as that goes.

import { countInto, failuresOf, type WaveTally } from "@flipside/api/rollout-arithmetic";
import { mayAct, rolloutTransitions } from "@flipside/api/rollout-transitions";
import { type DeploymentStateName, errorName, isFinalState } from "@flipside/image-format";
import { type CheckInEvidence, provenState } from "./check-in-evidence.ts";
import { abandonable, endedBy, isProgress, isReportable, mayMove } from "./deployment-transitions.ts";
import { gates } from "./gates/gates.ts";
import {
  type DeploymentSnapshot,
  mayBeOffered,
  type RolloutSnapshot,
  underWay,
  waitsOnly,
  waveIsOpen,
} from "./snapshots.ts";

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
  /** These wait, their devices are away, and nothing of the present wave is under way. */
  | { type: "others-away"; away: DeploymentSnapshot[] }
  | { type: "late-offers-expired"; deployment: DeploymentSnapshot }
  /** `why`: what made the offer wrong, in words that go on from the device's name. */
  | { type: "superseded"; deployment: DeploymentSnapshot; why: string }
  | { type: "soak-over" }
  | { type: "emergency-stop"; by: string; reason: string }
  | { type: "emergency-over"; by: string }
  | { type: "device-revoked"; deployment: DeploymentSnapshot }
  | { type: "pause"; by: string }
  | { type: "resume"; by: string }
  | { type: "cancel"; by: string; open: DeploymentSnapshot[] }
  /** `open`: of a rollout that is over. */
  | { type: "end-late-offers"; by: string; open: DeploymentSnapshot[] };

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
  rollout: Partial<Pick<RolloutSnapshot, "state" | "pauseReason" | "currentWave" | "accepted" | "soakUntil">> & {
    finishedAt?: number;
  };
  deployments: DeploymentChange[];
  moves: Move[];
  /**
   * Deployments of waves up to this one that are in one of these states get this deadline: a wave has started, or
   * waiting goes on.
   */
  newDeadline: { throughWave: number; states: readonly DeploymentStateName[]; deadlineAt: number } | undefined;
  /** Automatic decisions and the operator's, with the numbers that they were taken on. */
  decisions: string[];
  /** Why the event changed nothing, when that is worth a log entry. */
  refused: string | undefined;
}

const changing = (what: Partial<Changes>): Changes => ({
  rollout: {},
  deployments: [],
  moves: [],
  newDeadline: undefined,
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

const deadlineFor = (
  states: readonly DeploymentStateName[],
  { currentWave, deadlineMs }: Pick<RolloutSnapshot, "currentWave" | "deadlineMs">,
  now: number,
): Changes["newDeadline"] => ({ throughWave: currentWave, states, deadlineAt: now + deadlineMs });

const endedOf = (open: readonly DeploymentSnapshot[], cause: "cancel" | "end-late-offers"): NextState[] =>
  open.flatMap((deployment) => {
    const to = endedBy(cause, deployment.state);
    return to === undefined ? [] : [{ deployment, to }];
  });

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
      newDeadline: deadlineFor(["queued"], { currentWave, deadlineMs }, now),
      decisions: [`started: ${sumOf(waves, ({ total }) => total)} devices in ${waves.length} waves`],
    }),

  "offer-due"(rollout, { deployment, alreadyConfirmed }, now) {
    const to = alreadyConfirmed ? "confirmed" : "offered";
    if (!mayMove("offer-due", deployment.state, to) || !mayBeOffered(rollout, deployment))
      return refusal("the deployment is not due");
    if (to === "offered" && underWay(rollout) >= (rollout.underWayMax ?? Infinity))
      return refusal(`${rollout.underWayMax} devices are at work on it, which is as many as may be`);
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

  "deadline-passed"(rollout, { deployment }, now) {
    const { state, deadlineAt, wave } = deployment;
    const to = endedBy("deadline-passed", state);
    if (to === undefined || deadlineAt === null || deadlineAt > now) return nothing();
    if (state === "queued" && !waveIsOpen(rollout, wave)) return nothing();
    return move(now, deployment, to, to === "unreached" ? { deadlineAt: now + rollout.lateOffersMs } : {});
  },

  "others-away"(rollout, { away }, now) {
    const { waves, currentWave, lateOffersMs } = rollout;
    if (rollout.state !== "running" || !waitsOnly(rollout)) return nothing();
    const { total, finished, waiting } = waves[currentWave]!;
    const deadlineAt = now + lateOffersMs;
    const set = away.filter(({ wave, state }) => wave === currentWave && mayMove("others-away", state, "unreached"));
    if (set.length < waiting) return nothing();
    return {
      ...moving(
        set.map((deployment) => ({ deployment, to: "unreached" as const, more: { deadlineAt } })),
        now,
      ),
      decisions: [
        `wave ${currentWave + 1} does not wait for ${set.length} devices that are away: ${finished} of ${total} have finished; they are offered the image when they come back`,
      ],
    };
  },

  "late-offers-expired"(_, { deployment }, now) {
    const to = endedBy("late-offers-expired", deployment.state);
    const { deadlineAt } = deployment;
    return to === undefined || deadlineAt === null || deadlineAt > now ? nothing() : move(now, deployment, to);
  },

  superseded(_, { deployment, why }, now) {
    const to = endedBy("superseded", deployment.state);
    if (to === undefined) return refusal(`the deployment is ${deployment.state}`);
    return { ...move(now, deployment, to), decisions: [`${deployment.deviceId} ${why}: its deployment is cancelled`] };
  },

  // The gates are asked below.
  "soak-over": () => nothing(),

  "emergency-stop": (_, { by, reason }) => changing({ decisions: [`all updates were stopped by ${by}: ${reason}`] }),

  "emergency-over": (rollout, { by }, now) => ({
    ...changing({ decisions: [`the stop of all updates was ended by ${by}`] }),
    ...(rollout.state === "running"
      ? { newDeadline: deadlineFor(["queued", ...abandonable], rollout, now) }
      : { newDeadline: deadlineFor(abandonable, rollout, now) }),
  }),

  "device-revoked"(_, { deployment }, now) {
    const to = endedBy("device-revoked", deployment.state);
    return to === undefined ? nothing() : move(now, deployment, to);
  },

  pause({ state }, { by }) {
    if (!mayAct(state, "pause")) return refusal(`the rollout is ${state}`);
    const pauseReason = `paused by ${by}`;
    return changing({
      rollout: { state: rolloutTransitions.pause.to, pauseReason, soakUntil: null },
      decisions: [pauseReason],
    });
  },

  resume({ state, currentWave, waves, deadlineMs }, { by }, now) {
    if (!mayAct(state, "resume")) return refusal(`the rollout is ${state}`);
    const accepted = waves
      .slice(0, currentWave + 1)
      .map(failuresOf)
      .map(({ counted, failed }) => ({ finished: counted, failed }));
    const { failed, finished: counted } = accepted[currentWave]!;
    return changing({
      rollout: { state: rolloutTransitions.resume.to, pauseReason: null, accepted },
      newDeadline: deadlineFor(["queued"], { currentWave, deadlineMs }, now),
      decisions: [`resumed by ${by}, who accepted ${failed} failed of ${counted} finished in wave ${currentWave + 1}`],
    });
  },

  "end-late-offers"({ state }, { by, open }, now) {
    if (!mayAct(state, "end-late-offers")) return refusal(`the rollout is ${state}`);
    const ended = endedOf(open, "end-late-offers");
    return {
      ...moving(ended, now),
      rollout: { state: rolloutTransitions["end-late-offers"].to },
      decisions: [`late offers ended by ${by}: ${ended.length} devices that are away get nothing any more`],
    };
  },

  cancel({ state }, { by, open }, now) {
    if (!mayAct(state, "cancel")) return refusal(`the rollout is ${state}`);
    const ended = endedOf(open, "cancel");
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
  // What moves no deployment, and lets none wait anew, fulfils no gate; time does.
  if (changes.moves.length === 0 && changes.newDeadline === undefined && event.type !== "soak-over") return changes;
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
  newDeadline: then.newDeadline ?? first.newDeadline,
  decisions: [...first.decisions, ...then.decisions],
});

const sumOf = (waves: readonly WaveTally[], pick: (wave: WaveTally) => number): number =>
  waves.reduce((total, wave) => total + pick(wave), 0);

/** What the gates do: one fails, or all of them let the next wave begin, or end the rollout; or nothing yet. */
function passGate(rollout: RolloutSnapshot, now: number): Changes | undefined {
  if (rollout.state !== "running") return undefined;
  for (const gate of gates) {
    const verdict = gate(rollout, now);
    if (verdict.kind === "fails") return pausedBecause(verdict.reason, verdict.numbers);
    if (verdict.kind === "waits") {
      const { watchedUntil, decision } = verdict;
      if (watchedUntil === undefined) return undefined;
      return changing({ rollout: { soakUntil: watchedUntil }, decisions: decision === undefined ? [] : [decision] });
    }
  }
  return waveDone(rollout, rollout.waves[rollout.currentWave]!, now);
}

const pausedBecause = (pauseReason: string, numbers: string): Changes =>
  changing({
    rollout: { state: rolloutTransitions["gate-failed"].to, pauseReason, soakUntil: null },
    decisions: [`paused automatically: ${numbers}`],
  });

function waveDone(rollout: RolloutSnapshot, wave: WaveTally, now: number): Changes {
  const { waves, currentWave, failureThresholdPercent } = rollout;
  if (currentWave === waves.length - 1) {
    const ends = [
      `${sumOf(waves, ({ succeeded }) => succeeded)} confirmed`,
      `${sumOf(waves, (each) => failuresOf(each).failed)} failed`,
      `${sumOf(waves, ({ unreached }) => unreached)} away`,
      `${sumOf(waves, ({ cancelled }) => cancelled)} cancelled of ${sumOf(waves, ({ total }) => total)}`,
    ];
    return changing({
      rollout: { state: rolloutTransitions["last-wave-done"].to, finishedAt: now, soakUntil: null },
      decisions: [`completed: ${ends.join(", ")}`],
    });
  }
  const begun = currentWave + 1;
  const numbers = `${wave.succeeded} confirmed and ${failuresOf(wave).failed} failed of ${wave.total}`;
  return changing({
    rollout: { currentWave: begun, soakUntil: null },
    newDeadline: deadlineFor(["queued"], { currentWave: begun, deadlineMs: rollout.deadlineMs }, now),
    decisions: [
      `wave ${begun + 1} started (${waves[begun]!.total} devices): wave ${begun} has ${numbers}, threshold ${failureThresholdPercent} %`,
    ],
  });
}

/** What went wrong, for people: the state, and the code's name if there is one. */
export const outcomeText = (state: DeploymentStateName, code: number): string =>
  code === 0 ? state : `${state} (${errorName(code)})`;
