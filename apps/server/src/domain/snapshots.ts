// What the engine is shown of a rollout and of a deployment.

import type { WaveTally } from "@flipside/api/rollout-arithmetic";
import type { RolloutState } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";

export interface RolloutSnapshot {
  state: RolloutState;
  pauseReason: string | null;
  currentWave: number;
  deadlineMs: number;
  failureThresholdPercent: number;
  /** Finished deployments that a wave's gate wants to see before it fails, as far as the wave can have as many. */
  minimumSample: number;
  /** So long a wave is watched when its deployments are final and its gate holds, before the next one starts. */
  soakMs: number;
  /** Until then the present wave is watched; null: not yet. */
  soakUntil: number | null;
  /** So long a device that was not reached in its wave is still offered the image when it comes back. */
  lateOffersMs: number;
  /** So many devices may be at work on it at the same time; null: all. */
  underWayMax: number | null;
  /** What the operator accepted by resuming, of each wave that had started then. */
  accepted: readonly Accepted[];
  waves: WaveTally[];
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
  /** The newest deployment of its device that was ever offered. */
  newestOffered: boolean;
}

/** Whether the deployments of this wave are due. */
export const waveIsOpen = (rollout: Pick<RolloutSnapshot, "state" | "currentWave">, wave: number): boolean =>
  rollout.state === "running" && wave <= rollout.currentWave;

/** Whether this deployment may be offered: in its wave, or later when its device was not reached then. */
export const mayBeOffered = (
  rollout: Pick<RolloutSnapshot, "state" | "currentWave">,
  { state, wave }: Pick<DeploymentSnapshot, "state" | "wave">,
): boolean => waveIsOpen(rollout, wave) || (rollout.state === "completed" && state === "unreached");

/** Whether the present wave has learned something, has nothing under way, and is not settled all the same. */
export function waitsOnly({ waves, currentWave }: RolloutSnapshot): boolean {
  const { total, finished, cancelled, waiting, unreached } = waves[currentWave]!;
  return waiting > 0 && total === finished + waiting + unreached && finished > cancelled;
}

/** Devices that are at work on it. */
export const underWay = ({ waves }: Pick<RolloutSnapshot, "waves">): number =>
  waves.reduce((sum, { total, finished, waiting, unreached }) => sum + total - finished - waiting - unreached, 0);
