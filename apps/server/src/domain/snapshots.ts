// What the engine is shown of a rollout and of a deployment.

import type { WaveTally } from "@flipside/api/rollout-arithmetic";
import type {
  HealthMetric,
  HealthSettings,
  HeldFor,
  RetryRule,
  RolloutState,
  StateCounts,
  WaveRules,
} from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import type { Evidence } from "./health/sequential-test.ts";

export interface RolloutSnapshot {
  state: RolloutState;
  pauseReason: string | null;
  createdBy: string;
  /** Those up to it have started; -1: none has. */
  currentWave: number;
  /** Of each wave. */
  rules: readonly WaveRules[];
  /** The first that fits holds. */
  retries: readonly RetryRule[];
  /** Until then the present wave is watched; null: not yet. */
  soakUntil: number | null;
  /** What the next wave waits for, when all that went before is done. */
  heldFor: HeldFor | null;
  /** Id of the rollout that ended it by its start. */
  supersededBy: string | null;
  /** Devices that come to match join its last wave. */
  targetOpen: boolean;
  /** Of the waves that want it, those that have it. */
  approvals: readonly Approval[];
  /** Where offers are made at a rate: the next one is due then. */
  nextOfferAt: number | null;
  /** So long a device that was not reached in its wave is still offered the image when it comes back. */
  lateOffersMs: number;
  /** What the operator accepted by resuming, of each wave that had started then. */
  accepted: readonly Accepted[];
  waves: WaveTally[];
  /** The first ones, of which every deployment is made; left out: all of them. */
  wavesMade?: number;
  /** Of all waves. */
  counts: StateCounts;
  /** What the health gate has seen; null: there is none. */
  health: (Omit<HealthSettings, "metrics"> & { tests: readonly HealthTestSnapshot[] }) | null;
}

/** One metric that the health gate watches. */
export interface HealthTestSnapshot {
  metric: HealthMetric;
  evidence: Evidence;
  /** Devices that were there at the last look, and had not failed. */
  atRisk: { updated: number; others: number };
  /** Null: no device has failed yet. */
  lookedAt: number | null;
}

export interface Approval {
  wave: number;
  by: string;
}

export interface Accepted {
  finished: number;
  failed: number;
}

export interface DeploymentSnapshot {
  id: string;
  deviceId: string;
  wave: number;
  attempt: number;
  digest: string;
  state: DeploymentStateName;
  code: number;
  done: number;
  total: number;
  deadlineAt: number | null;
  /** It is not tried again before. */
  notBefore: number | null;
  /** No other deployment of its device was offered after this one was, or after it was confirmed without an offer. */
  isNewest: boolean;
}

/** The wave that the rollout is in; undefined before the first one. */
export const presentWave = ({ waves, currentWave }: RolloutSnapshot): WaveTally | undefined => waves[currentWave];

/** Whether the deployments of this wave are due. */
export const waveIsOpen = (rollout: Pick<RolloutSnapshot, "state" | "currentWave">, wave: number): boolean =>
  rollout.state === "running" && wave <= rollout.currentWave;

/** Whether this deployment may be offered: in its wave, or later when its device was not reached then. */
export const mayBeOffered = (
  rollout: Pick<RolloutSnapshot, "state" | "currentWave">,
  { state, wave }: Pick<DeploymentSnapshot, "state" | "wave">,
): boolean => waveIsOpen(rollout, wave) || (rollout.state === "completed" && state === "unreached");

/** Whether the deployments of this wave are there: no wave starts before its devices have theirs. */
export const isMade = ({ waves, wavesMade = waves.length }: RolloutSnapshot, wave: number): boolean => wave < wavesMade;

/** Whether the present wave has learned something, has nothing under way, and is not settled all the same. */
export function waitsOnly(rollout: RolloutSnapshot): boolean {
  const wave = presentWave(rollout);
  if (wave === undefined) return false;
  const { total, finished, cancelled, waiting, unreached } = wave;
  return waiting > 0 && total === finished + waiting + unreached && finished > cancelled;
}

/** Devices that are at work on it. */
export const underWay = ({ waves }: Pick<RolloutSnapshot, "waves">): number =>
  waves.reduce((sum, { total, finished, waiting, unreached }) => sum + total - finished - waiting - unreached, 0);
