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

/** Whether the deployments of this wave may be offered. */
export const waveIsOpen = (rollout: Pick<RolloutSnapshot, "state" | "currentWave">, wave: number): boolean =>
  rollout.state === "running" && wave <= rollout.currentWave;
