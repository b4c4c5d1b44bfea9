// Rollouts and deployments in the database: snapshots for the engine, and its changes back.

import { countInto, emptyTally, noCounts, waveStateOf, type WaveTally } from "@flipside/api/rollout-arithmetic";
import type { RolloutSummary } from "@flipside/api/types";
import { type DeploymentStateName, deploymentStateNames, isFinalState } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import type { DeploymentRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Changes, DeploymentSnapshot, RolloutSnapshot } from "./engine.ts";

export const finalStates: DeploymentStateName[] = deploymentStateNames.filter(isFinalState);
export const givenUpStates: DeploymentStateName[] = ["cancelled", "timed-out"];

interface Count {
  wave: number;
  state: DeploymentStateName;
  count: number;
}

async function countsOf(db: Queries, rolloutId: string): Promise<Count[]> {
  return db
    .selectFrom("deployments")
    .select(["wave", "state", (q) => q.fn.countAll<number>().as("count")])
    .where("rolloutId", "=", rolloutId)
    .groupBy(["wave", "state"])
    .execute();
}

function talliesOf(row: RolloutRow, counts: Count[]): WaveTally[] {
  const tallies = (JSON.parse(row.waveTotals) as number[]).map(emptyTally);
  for (const { wave, state, count } of counts) countInto(tallies[wave]!, state, count);
  return tallies;
}

export async function loadSnapshot(db: Queries, row: RolloutRow): Promise<RolloutSnapshot> {
  return {
    state: row.state,
    pauseReason: row.pauseReason,
    currentWave: row.currentWave,
    deadlineMs: row.deadlineMs,
    failureThresholdPercent: row.failureThresholdPercent,
    accepted: { wave: row.acceptedWave, finished: row.acceptedFinished, failed: row.acceptedFailed },
    waves: talliesOf(row, await countsOf(db, row.id)),
  };
}

export function snapshotOf(row: DeploymentRow, newestOffered = false): DeploymentSnapshot {
  const { id, wave, attempt, digest, state, code, done, total, deadlineAt } = row;
  return { id, wave, attempt, digest, state, code, done, total, deadlineAt, newestOffered };
}

/**
 * Stores what the engine decided at this time. Its deadlines and the order of offers are of steady time; when something
 * was changed or ended is for people, and of the wall clock.
 */
export async function storeChanges(db: Queries, rolloutId: string, changes: Changes, clock: Clock): Promise<void> {
  const now = clock.wallMs();
  for (const { id, offered, finishedAt, ...change } of changes.deployments) {
    await db
      .updateTable("deployments")
      .set({ ...change, ...(offered ? { offeredAt: clock.steadyMs() } : {}), ...(finishedAt == null ? {} : { finishedAt: now }), updatedAt: now })
      .where("id", "=", id)
      .execute();
  }
  const { accepted, finishedAt, ...rollout } = changes.rollout;
  const set = {
    ...rollout,
    ...(finishedAt === undefined ? {} : { finishedAt: now }),
    ...(accepted ? { acceptedWave: accepted.wave, acceptedFinished: accepted.finished, acceptedFailed: accepted.failed } : {}),
  };
  if (Object.keys(set).length > 0) await db.updateTable("rollouts").set(set).where("id", "=", rolloutId).execute();
  if (changes.queuedDeadline) {
    await db
      .updateTable("deployments")
      .set({ deadlineAt: changes.queuedDeadline.deadlineAt })
      .where("rolloutId", "=", rolloutId)
      .where("state", "=", "queued")
      .where("wave", "<=", changes.queuedDeadline.throughWave)
      .execute();
  }
  for (const text of changes.decisions) await db.insertInto("decisions").values({ rolloutId, at: now, text }).execute();
}

/** Deployments of a device that a check-in may say something about, oldest first, with what the engine needs of their rollout. */
export async function openToCheckIn(db: Queries, deviceId: string): Promise<{ deployment: DeploymentSnapshot; rolloutId: string }[]> {
  const rows = await db
    .selectFrom("deployments")
    .selectAll()
    .where("deviceId", "=", deviceId)
    .where((q) => q.or([q("finishedAt", "is", null), q("state", "in", givenUpStates)]))
    .orderBy("position")
    .execute();
  if (rows.length === 0) return [];
  const newest = await db
    .selectFrom("deployments")
    .select("id")
    .where("deviceId", "=", deviceId)
    .where("offeredAt", "is not", null)
    .orderBy("offeredAt", "desc")
    .orderBy("position", "desc")
    .executeTakeFirst();
  return rows.map((row) => ({ deployment: snapshotOf(row, row.id === newest?.id), rolloutId: row.rolloutId }));
}

export async function summaryOf(db: Queries, row: RolloutRow & { version: string }): Promise<RolloutSummary> {
  const perWave = await countsOf(db, row.id);
  const counts = noCounts();
  for (const { state, count } of perWave) counts[state] += count;
  const waves = talliesOf(row, perWave).map((tally, index) => ({ index, ...tally, state: waveStateOf(tally, index, row.currentWave) }));
  return {
    id: row.id,
    name: row.name,
    releaseId: row.releaseId,
    version: row.version,
    state: row.state,
    pauseReason: row.pauseReason,
    createdAt: new Date(row.createdAt).toISOString(),
    createdBy: row.createdBy,
    finishedAt: row.finishedAt === null ? null : new Date(row.finishedAt).toISOString(),
    counts,
    total: waves.reduce((sum, wave) => sum + wave.total, 0),
    waves,
  };
}

export function selectRollouts(db: Queries) {
  return db.selectFrom("rollouts").innerJoin("releases", "releases.id", "rollouts.releaseId").selectAll("rollouts").select("releases.version as version");
}
