// A rollout and its deployments are written, and the rollout starts.

import type { HealthSettings, Maintenance, RetryRule, WaveRules } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { newId } from "../../identifiers.ts";
import type { DeviceRow, ImageRow, NewDeployment } from "../../storage/schema.ts";
import type { Work } from "../../storage/storage.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addFailures } from "../deployments/health-looks.ts";
import { runsConfirmed } from "../deployments/hindrances.ts";
import { addCounts } from "../deployments/store.ts";
import { failedAlready } from "./health-limits.ts";
import type { StoredRequest } from "./stored-request.ts";

/** SQLite takes 32,766 values in one statement, PostgreSQL 65,535. */
const rowsAtATime = 500;

export interface Target {
  device: DeviceRow;
  /** That it is to get. */
  image: ImageRow;
  /** It is past its point of no return with another image: what it runs now says nothing. */
  isChanging?: boolean;
}

export interface PlannedRollout {
  id: string;
  name: string;
  releaseId: string;
  by: string;
  allowOlder: boolean;
  urgent: boolean;
  lateOffersMs: number;
  maintenance: Maintenance | null;
  retries: readonly RetryRule[];
  /** What its devices were found by. */
  targetFilter: string | null;
  targetOpen: boolean;
  /** How many that it means have no part in it, and why; empty: nobody. */
  leftOut: string;
  /** Of each wave: how many devices it has, and what holds for it. */
  waveTotals: readonly number[];
  rules: readonly WaveRules[];
  /** In the order of the waves. */
  targets: readonly Target[];
  /** With every limit. */
  health: HealthSettings | null;
  /** Null: nobody asked for it, it is a roll-back's. */
  request: StoredRequest | null;
}

function deploymentOf(
  rolloutId: string,
  { device, image, isChanging = false }: Target,
  wave: number,
  at: number,
): NewDeployment {
  // Already there: counts as confirmed, by what the device itself checked in.
  const confirmed = !isChanging && runsConfirmed(device, image.digest);
  return {
    id: newId(),
    rolloutId,
    deviceId: device.id,
    digest: image.digest,
    wave,
    attempt: 1,
    state: confirmed ? "confirmed" : "queued",
    code: 0,
    done: confirmed ? image.chunkCount : 0,
    total: image.chunkCount,
    createdAt: at,
    updatedAt: at,
    offeredAt: null,
    deadlineAt: null,
    notBefore: null,
    cameFrom: null,
    finishedAt: confirmed ? at : null,
  };
}

/** In the transaction that its images and devices were read in. */
export async function insertRollout(
  { engineRoom, clock }: { engineRoom: EngineRoom; clock: Clock },
  work: Work,
  planned: PlannedRollout,
): Promise<void> {
  const { id, by, waveTotals, rules, retries, maintenance, targets, leftOut, health, request, ...columns } = planned;
  const { db } = work;
  const at = clock.wallMs();
  await db
    .insertInto("rollouts")
    .values({
      ...columns,
      id,
      state: "running",
      pauseReason: null,
      currentWave: -1,
      waveTotals: JSON.stringify(waveTotals),
      rules: JSON.stringify(rules),
      retries: JSON.stringify(retries),
      maintenance: maintenance === null ? null : JSON.stringify(maintenance),
      approvals: "[]",
      heldFor: null,
      nextOfferAt: null,
      rollBackDue: null,
      supersededBy: null,
      soakUntil: null,
      accepted: "[]",
      health: health === null ? null : JSON.stringify(health),
      request: request === null ? null : JSON.stringify(request),
      decisionCount: 0,
      createdAt: at,
      createdBy: by,
      finishedAt: null,
    })
    .execute();
  const waveOf = waveTotals.flatMap((size, wave) => Array.from({ length: size }, () => wave));
  const rows = targets.map((target, i) => deploymentOf(id, target, waveOf[i]!, at));
  for (let from = 0; from < rows.length; from += rowsAtATime)
    await db
      .insertInto("deployments")
      .values(rows.slice(from, from + rowsAtATime))
      .execute();
  const devices = targets.map(({ device }) => device);
  if (health !== null) await addFailures(db, id, failedAlready(health, devices, at));
  await addCounts(
    db,
    id,
    rows.map(({ wave, state }) => ({ wave, state, count: 1 })),
  );
  work.changed({ kind: "targets", id, deployments: rows.map((row) => ({ id: row.id, deviceId: row.deviceId })) });
  await engineRoom.apply(work, id, async () => ({ type: "started", leftOut }));
}
