// Rollouts: what was asked for, what becomes of it on each device, what was decided and why; and rehearsals.

import type { HealthSide } from "../../domain/health/metrics.ts";
import type { HeldFor, RehearsalState, RolloutState } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import type { Generated, Insertable, Selectable } from "kysely";

export interface RolloutTable {
  id: string;
  name: string;
  releaseId: string;
  state: RolloutState;
  pauseReason: string | null;
  currentWave: number;
  /** JSON: devices in each wave. */
  waveTotals: string;
  allowOlder: boolean;
  /** JSON: tags, one of which each of its devices has, as whoever made it sees no others; null: any device. */
  scope: string | null;
  /** JSON: WaveRules of each wave. */
  rules: string;
  /** JSON: RetryRule[]. */
  retries: string;
  /** JSON: Maintenance; null: offers are made at any time. */
  maintenance: string | null;
  /** JSON: Approval[]. */
  approvals: string;
  heldFor: HeldFor | null;
  /** Of steady time, as deadlines are; null: at once. */
  nextOfferAt: number | null;
  /** JSON: `{"wave"?: number}`, to be carried out; null: nothing is. */
  rollBackDue: string | null;
  /** JSON: Sweep[] that are being carried out (features/deployments/sweeps.ts); null: none is. */
  sweeps: string | null;
  /** What an agent claims, and nothing has proven yet, counts as confirmed. */
  acceptsClaimed: Generated<boolean>;
  /** JSON of Preparation, while it is being made (features/rollouts/preparation.ts); null: it is whole. */
  preparing: string | null;
  /** Of steady time, as deadlines are. */
  soakUntil: number | null;
  lateOffersMs: number;
  urgent: boolean;
  /** JSON: what the operator accepted by resuming, of each wave that had started. */
  accepted: string;
  /** JSON of HealthSettings, with every limit; null: there is no health gate. */
  health: string | null;
  /** Kept, so that nobody has to count them. */
  decisionCount: number;
  /** The filter that its devices were found by, as it was written; null when they were named, or are all. */
  targetFilter: string | null;
  /** Devices that come to match join it, as long as it runs or is paused. */
  targetOpen: boolean;
  /** Id of the rollout that ended it by its start. */
  supersededBy: string | null;
  /** JSON of StoredRequest (rollouts/stored-request.ts); null: made by an older server. */
  request: string | null;
  /** Id of the HTTP request by which it was made; null: by none, or by an older server. */
  requestId: string | null;
  archivedAt: number | null;
  /** It is not shown any more, and goes a piece at a time (rollouts/deletion.ts). */
  deletedAt: number | null;
  createdAt: number;
  createdBy: string;
  finishedAt: number | null;
}

/** What was asked for, of a rollout that is being made, or never was: a device that is named may have no deployment. */
export interface RolloutRequestTable {
  rolloutId: string;
  /** JSON of CompleteNewRollout. */
  request: string;
}

/** Settings of rollouts, kept under a name. */
export interface RolloutTemplateTable {
  id: string;
  name: string;
  /** JSON of RolloutSettings. */
  settings: string;
  savedAt: number;
  savedBy: string;
}

/** Devices of a rollout that is being made, until they have their deployments. */
export interface RolloutTargetTable {
  rolloutId: string;
  /** What they are ordered by. */
  place: string;
  deviceId: string;
  /** Of the image that fits. */
  digest: string;
}

export interface DeploymentTable {
  id: string;
  /** Order of creation. */
  position: Generated<number>;
  rolloutId: string;
  deviceId: string;
  digest: string;
  wave: number;
  attempt: number;
  state: DeploymentStateName;
  code: number;
  done: number;
  total: number;
  createdAt: number;
  updatedAt: number;
  offeredAt: number | null;
  deadlineAt: number | null;
  /** Of steady time: it is not tried again before. */
  notBefore: number | null;
  /** What its device ran when it was last offered; digest, hex. */
  cameFrom: string | null;
  finishedAt: number | null;
}

/** How many deployments of a rollout's wave are in a state; changed in the transaction that changes the state. */
export interface DeploymentCountTable {
  rolloutId: string;
  wave: number;
  state: DeploymentStateName;
  count: number;
}

export interface DecisionTable {
  id: Generated<number>;
  rolloutId: string;
  at: number;
  text: string;
}

/** What the health gate has seen of a metric in a rollout, as of its last look. */
export interface HealthTestTable {
  rolloutId: string;
  metric: string;
  /** JSON of Evidence. */
  evidence: string;
  updatedAtRisk: number;
  othersAtRisk: number;
  lookedAt: number;
}

/** What each look was made on. */
export interface HealthLookTable {
  id: Generated<number>;
  rolloutId: string;
  metric: string;
  at: number;
  updatedAtRisk: number;
  updatedFailed: number;
  othersAtRisk: number;
  othersFailed: number;
}

/** Devices that have failed in a rollout: each is counted once. */
export interface HealthFailureTable {
  rolloutId: string;
  metric: string;
  deviceId: string;
  side: HealthSide;
  at: number;
}

/** A rollout that was played in simulation. */
export interface RehearsalTable {
  id: string;
  /** Of the rollout. */
  name: string;
  releaseId: string;
  createdAt: number;
  createdBy: string;
  /** JSON: tags of the devices that whoever asked for it sees; null: the whole fleet. */
  scope: string | null;
  seed: number;
  state: RehearsalState;
  /** Runs that were played, of so many. */
  done: number;
  total: number;
  /** Which start of which server plays it. */
  serverStart: string;
  /** Of steady time: when that server last said that it does. */
  heardAt: number;
  finishedAt: number | null;
  failure: string | null;
  /** JSON of RehearsalAnswer. */
  answer: string | null;
}

export type RehearsalRow = Selectable<RehearsalTable>;
export type RolloutRow = Selectable<RolloutTable>;
export type DeploymentRow = Selectable<DeploymentTable>;
export type NewDeployment = Insertable<DeploymentTable>;
