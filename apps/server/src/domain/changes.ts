// What an event changes of a rollout and its deployments, as the engine says it and the store takes it.

import { countInto } from "@flipside/api/rollout-arithmetic";
import { type DeploymentStateName, isFinalState } from "@flipside/image-format";
import type { Now } from "./now.ts";
import type { DeploymentSnapshot, RolloutSnapshot } from "./snapshots.ts";

export interface DeploymentChange {
  id: string;
  state?: DeploymentStateName;
  attempt?: number;
  code?: number;
  done?: number;
  total?: number;
  deadlineAt?: number;
  notBefore?: number | null;
  /** The deployment has just been offered. */
  offered?: true;
  /** What its device ran when it was offered. */
  cameFrom?: string | null;
  /** Null: it is open again. */
  finishedAt?: number | null;
}

/** A deployment went from one state to another; out of a final one, too, when later evidence revised it. */
export interface Move {
  id: string;
  wave: number;
  from: DeploymentStateName;
  to: DeploymentStateName;
}

/** Open deployments that end all at once, those of which the table of transitions says so. */
export type Withdrawal = "cancel" | "give-way" | "end-late-offers";

/** A device that the rollout takes in while it runs; it is queued. */
export interface Join {
  id: string;
  deviceId: string;
  digest: string;
  /** Chunks of its image. */
  total: number;
  wave: number;
  /** Null: its wave has not started. */
  deadlineAt: number | null;
}

type ChangedMembers =
  | "state"
  | "pauseReason"
  | "currentWave"
  | "accepted"
  | "approvals"
  | "health"
  | "heldFor"
  | "nextOfferAt"
  | "rules"
  | "supersededBy"
  | "soakUntil"
  | "targetOpen";

export interface Changes {
  rollout: Partial<Pick<RolloutSnapshot, ChangedMembers>> & {
    /** Null: it goes on again. */
    finishedAt?: number | null;
  };
  deployments: DeploymentChange[];
  moves: Move[];
  joins: readonly Join[];
  /** Ends what no move names: only where no gate is asked afterwards. */
  withdraw: Withdrawal | undefined;
  /**
   * Deployments of waves up to this one that are in one of these states get this deadline: a wave has started, or
   * waiting goes on.
   */
  newDeadline: { throughWave: number; states: readonly DeploymentStateName[]; deadlineAt: number } | undefined;
  /** Who was updated is to go back to what it came from; of one wave, or of all. */
  rollBack: { wave: number | undefined } | undefined;
  /** Automatic decisions and the operator's, with the numbers that they were taken on. */
  decisions: string[];
  /** Why the event changed nothing, when that is worth a log entry. */
  refused: string | undefined;
}

export const changing = (what: Partial<Changes>): Changes => ({
  rollout: {},
  deployments: [],
  moves: [],
  joins: [],
  withdraw: undefined,
  newDeadline: undefined,
  rollBack: undefined,
  decisions: [],
  refused: undefined,
  ...what,
});

export const nothing = (): Changes => changing({});
export const refusal = (why: string): Changes => changing({ refused: why });

export interface NextState {
  deployment: DeploymentSnapshot;
  to: DeploymentStateName;
  more?: Omit<DeploymentChange, "id" | "state">;
}

export const moving = (nexts: readonly NextState[], { steadyMs }: Now): Changes =>
  changing({
    moves: nexts.map(({ deployment: { id, wave, state }, to }) => ({ id, wave, from: state, to })),
    deployments: nexts.map(({ deployment: { id }, to, more }) => ({
      id,
      state: to,
      ...(isFinalState(to) ? { finishedAt: steadyMs } : {}),
      ...more,
    })),
  });

export const move = (
  now: Now,
  deployment: DeploymentSnapshot,
  to: DeploymentStateName,
  more?: NextState["more"],
): Changes => moving([more === undefined ? { deployment, to } : { deployment, to, more }], now);

export const deadlineFor = (
  states: readonly DeploymentStateName[],
  { currentWave, rules }: Pick<RolloutSnapshot, "currentWave" | "rules">,
  { steadyMs }: Now,
): Changes["newDeadline"] =>
  currentWave < 0
    ? undefined
    : { throughWave: currentWave, states, deadlineAt: steadyMs + rules[currentWave]!.deadlineMs };

/** The rollout as it is after these changes. */
export function after(
  rollout: RolloutSnapshot,
  { rollout: { finishedAt: _, ...changed }, moves, joins }: Changes,
): RolloutSnapshot {
  const waves = rollout.waves.map((wave) => ({ ...wave }));
  const counts = { ...rollout.counts };
  for (const { wave } of joins) {
    waves[wave]!.total++;
    countInto(waves[wave]!, "queued", 1);
    counts.queued++;
  }
  for (const { wave, from, to } of moves) {
    countInto(waves[wave]!, from, -1);
    countInto(waves[wave]!, to, 1);
    counts[from]--;
    counts[to]++;
  }
  return { ...rollout, ...changed, waves, counts };
}

export const followedBy = (first: Changes, then: Changes): Changes => ({
  rollout: { ...first.rollout, ...then.rollout },
  deployments: [...first.deployments, ...then.deployments],
  moves: [...first.moves, ...then.moves],
  joins: [...first.joins, ...then.joins],
  withdraw: then.withdraw ?? first.withdraw,
  newDeadline: then.newDeadline ?? first.newDeadline,
  rollBack: then.rollBack ?? first.rollBack,
  decisions: [...first.decisions, ...then.decisions],
  refused: first.refused,
});
