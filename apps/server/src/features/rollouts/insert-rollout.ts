// A rollout and its deployments are written, and the rollout starts.

import type { Scope } from "@flipside/api/scope";
import type { HealthSettings, Maintenance, RetryRule, WaveRules } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { newId } from "../../identifiers.ts";
import type { DeviceRow, ImageRow, NewDeployment } from "../../storage/schema.ts";
import type { Work } from "../../storage/storage.ts";
import { scopeColumn } from "../../storage/stored-scope.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addFailures } from "../deployments/health-looks.ts";
import { runsConfirmed } from "../deployments/hindrances.ts";
import { addCounts } from "../deployments/store.ts";
import { presentRequest } from "../../present-request.ts";
import { failedAlready } from "./health-limits.ts";
import { type ScopedRequest, type StoredRequest, storedRequest } from "./stored-request.ts";

/** SQLite takes 32,766 values in one statement, PostgreSQL 65,535. */
const rowsAtATime = 500;

export interface Target {
  device: DeviceRow;
  /** That it is to get. */
  image: ImageRow;
  /** It is past its point of no return with another image: what it runs now says nothing. */
  isChanging?: boolean;
}

/** What a rollout's row is made of. */
export interface PlannedRow {
  id: string;
  name: string;
  releaseId: string;
  by: string;
  /** One tag of these each of its devices has; null: any device. */
  scope: Scope;
  allowOlder: boolean;
  acceptsClaimed: boolean;
  urgent: boolean;
  lateOffersMs: number;
  maintenance: Maintenance | null;
  retries: readonly RetryRule[];
  /** What its devices were found by. */
  targetFilter: string | null;
  targetOpen: boolean;
  /** Of each wave: how many devices it has, and what holds for it. */
  waveTotals: readonly number[];
  rules: readonly WaveRules[];
  /** With every limit. */
  health: HealthSettings | null;
  /** Null: nobody asked for it, it is a roll-back's. */
  request: StoredRequest | null;
}

/** What a request says of the row itself. */
export function rowAsked(
  request: ScopedRequest,
  { id, by }: Pick<PlannedRow, "id" | "by">,
): Omit<PlannedRow, "waveTotals" | "rules" | "health"> {
  const { name, releaseId, allowOlder, acceptsClaimed, urgent, lateOffersMs, maintenance, retries } = request;
  const { target, continuous, scope } = request;
  return {
    id,
    name,
    releaseId,
    by,
    scope,
    allowOlder,
    acceptsClaimed,
    urgent,
    lateOffersMs,
    maintenance,
    retries,
    targetFilter: "filter" in target ? target.filter : null,
    targetOpen: continuous,
    request: storedRequest(request),
  };
}

export interface PlannedRollout extends PlannedRow {
  /** How many that its filter means have no part in it, and why; empty: nobody. */
  leftOut: string;
  /** In the order of the waves. */
  targets: readonly Target[];
}

function deploymentOf(
  rolloutId: string,
  { device, image, isChanging = false }: Target,
  wave: number,
  at: number,
): NewDeployment {
  // It was revoked while the rollout was being made.
  const isRevoked = device.revokedAt !== null;
  // Already there: counts as confirmed, by what the device itself checked in.
  const confirmed = !isRevoked && !isChanging && runsConfirmed(device, image.digest);
  return {
    id: newId(),
    rolloutId,
    deviceId: device.id,
    digest: image.digest,
    wave,
    attempt: 1,
    state: isRevoked ? "cancelled" : confirmed ? "confirmed" : "queued",
    code: 0,
    done: confirmed ? image.chunkCount : 0,
    total: image.chunkCount,
    createdAt: at,
    updatedAt: at,
    offeredAt: null,
    deadlineAt: null,
    notBefore: null,
    cameFrom: null,
    finishedAt: isRevoked || confirmed ? at : null,
  };
}

/** `preparing`: JSON of Preparation; null: what belongs to it is written with it. */
export async function insertRow(
  { db }: Work,
  { id, by, scope, waveTotals, rules, retries, maintenance, health, request, ...columns }: PlannedRow,
  { at, preparing }: { at: number; preparing: string | null },
): Promise<void> {
  await db
    .insertInto("rollouts")
    .values({
      ...columns,
      id,
      scope: scopeColumn(scope),
      requestId: presentRequest() ?? null,
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
      sweeps: null,
      preparing,
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
}

/**
 * Makes deployments of the next targets, in the order of the waves, behind the rollout's lock. `made`: so far.
 * `positions`: kept for the rollout's first ones.
 */
export async function insertDeployments(
  work: Work,
  { id, waveTotals, health }: Pick<PlannedRow, "id" | "waveTotals" | "health">,
  targets: readonly Target[],
  {
    made,
    at,
    positions = { first: 0, count: 0 },
  }: { made: number; at: number; positions?: { first: number; count: number } },
): Promise<void> {
  const { db } = work;
  const createdAt = at;
  let [wave, through] = [0, waveTotals[0] ?? 0];
  const rows = targets.map((target, i) => {
    while (made + i >= through) through += waveTotals[++wave]!;
    const at = made + i;
    const position = at < positions.count ? { position: positions.first + at } : {};
    return { ...deploymentOf(id, target, wave, createdAt), ...position };
  });
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
}

/** In the transaction that its images and devices were read in. */
export async function insertRollout(
  { engineRoom, clock }: { engineRoom: EngineRoom; clock: Clock },
  work: Work,
  { targets, leftOut, ...row }: PlannedRollout,
): Promise<void> {
  const at = clock.wallMs();
  await insertRow(work, row, { at, preparing: null });
  await insertDeployments(work, row, targets, { made: 0, at });
  await engineRoom.apply(work, row.id, async () => ({ type: "started", leftOut }));
}
