// Deployments and what the engine needs of their rollout, in the database: snapshots for the engine, and its changes
// back.

import { countInto, emptyTally, noCounts, type WaveTally } from "@flipside/api/rollout-arithmetic";
import type { RetryRule, StateCounts, WaveRules } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import type { DeploymentRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { givenUpStates } from "../../domain/deployment-transitions.ts";
import type { Changes } from "../../domain/changes.ts";
import type { Accepted, Approval, DeploymentSnapshot, RolloutSnapshot } from "../../domain/snapshots.ts";
import { loadHealth, storeTest } from "./health-looks.ts";

export interface Count {
  wave: number;
  state: DeploymentStateName;
  count: number;
}

const countsOf = (db: Queries, rolloutId: string): Promise<Count[]> =>
  db.selectFrom("deploymentCounts").select(["wave", "state", "count"]).where("rolloutId", "=", rolloutId).execute();

/** Adds to the counts of a rollout's deployments, which are kept so that nobody has to count them. */
export async function addCounts(db: Queries, rolloutId: string, changes: Iterable<Count>): Promise<void> {
  const sums = new Map<string, Count>();
  for (const { wave, state, count } of changes) {
    const key = `${wave} ${state}`;
    sums.set(key, { wave, state, count: (sums.get(key)?.count ?? 0) + count });
  }
  const values = [...sums.values()].filter(({ count }) => count !== 0).map((each) => ({ rolloutId, ...each }));
  if (values.length === 0) return;
  await db
    .insertInto("deploymentCounts")
    .values(values)
    .onConflict((conflict) =>
      conflict
        .columns(["rolloutId", "wave", "state"])
        .doUpdateSet((q) => ({ count: q("deploymentCounts.count", "+", q.ref("excluded.count")) })),
    )
    .execute();
}

export function talliesOf(row: RolloutRow, counts: Count[]): WaveTally[] {
  const tallies = (JSON.parse(row.waveTotals) as number[]).map(emptyTally);
  for (const { wave, state, count } of counts) countInto(tallies[wave]!, state, count);
  return tallies;
}

/** The rollout's row, for the one transaction that may change it and its deployments now. */
export async function lockRollout(db: Queries, id: string): Promise<RolloutRow | undefined> {
  return db.selectFrom("rollouts").selectAll().where("id", "=", id).forUpdate().executeTakeFirst();
}

/** Of all waves. */
export function stateCountsOf(counts: readonly Count[]): StateCounts {
  const sums = noCounts();
  for (const { state, count } of counts) sums[state] += count;
  return sums;
}

export const rulesOf = (row: Pick<RolloutRow, "rules">): WaveRules[] => JSON.parse(row.rules) as WaveRules[];
export const retriesOf = (row: Pick<RolloutRow, "retries">): RetryRule[] => JSON.parse(row.retries) as RetryRule[];

export async function loadSnapshot(db: Queries, row: RolloutRow): Promise<RolloutSnapshot> {
  const counts = await countsOf(db, row.id);
  return {
    state: row.state,
    pauseReason: row.pauseReason,
    currentWave: row.currentWave,
    createdBy: row.createdBy,
    rules: rulesOf(row),
    retries: retriesOf(row),
    soakUntil: row.soakUntil,
    heldFor: row.heldFor,
    approvals: JSON.parse(row.approvals) as Approval[],
    nextOfferAt: row.nextOfferAt,
    lateOffersMs: row.lateOffersMs,
    accepted: JSON.parse(row.accepted) as Accepted[],
    waves: talliesOf(row, counts),
    counts: stateCountsOf(counts),
    health: await loadHealth(db, row),
  };
}

export function snapshotOf(row: DeploymentRow, newestOffered = false): DeploymentSnapshot {
  const { id, deviceId, wave, attempt, digest, state, code, done, total, deadlineAt, notBefore } = row;
  return { id, deviceId, wave, attempt, digest, state, code, done, total, deadlineAt, notBefore, newestOffered };
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
      .set({
        ...change,
        ...(offered ? { offeredAt: clock.steadyMs() } : {}),
        ...(finishedAt === undefined ? {} : { finishedAt: finishedAt === null ? null : now }),
        updatedAt: now,
      })
      .where("id", "=", id)
      .execute();
  }
  await addCounts(
    db,
    rolloutId,
    changes.moves.flatMap(({ wave, from, to }) => [
      { wave, state: from, count: -1 },
      { wave, state: to, count: 1 },
    ]),
  );
  const { finishedAt, accepted, approvals, rules, health, ...rollout } = changes.rollout;
  const { rollBack } = changes;
  for (const test of health?.tests ?? []) await storeTest(db, rolloutId, test);
  const set = {
    ...rollout,
    ...(finishedAt === undefined ? {} : { finishedAt: finishedAt === null ? null : now }),
    ...(accepted === undefined ? {} : { accepted: JSON.stringify(accepted) }),
    ...(approvals === undefined ? {} : { approvals: JSON.stringify(approvals) }),
    ...(rules === undefined ? {} : { rules: JSON.stringify(rules) }),
    ...(rollBack === undefined ? {} : { rollBackDue: JSON.stringify(rollBack) }),
  };
  const decided = changes.decisions.length;
  if (Object.keys(set).length > 0 || decided > 0)
    await db
      .updateTable("rollouts")
      .set((q) => ({ ...set, decisionCount: q("decisionCount", "+", decided) }))
      .where("id", "=", rolloutId)
      .execute();
  if (changes.newDeadline) {
    const { throughWave, states, deadlineAt } = changes.newDeadline;
    await db
      .updateTable("deployments")
      .set({ deadlineAt })
      .where("rolloutId", "=", rolloutId)
      .where("state", "in", states)
      .where("wave", "<=", throughWave)
      .execute();
  }
  await insertDecisions(db, rolloutId, changes.decisions, now);
}

async function insertDecisions(db: Queries, rolloutId: string, texts: readonly string[], at: number): Promise<void> {
  for (const text of texts) await db.insertInto("decisions").values({ rolloutId, at, text }).execute();
}

/** Decisions that no event of the engine took. `at`: of the wall clock. */
export async function addDecisions(
  db: Queries,
  rolloutId: string,
  texts: readonly string[],
  at: number,
): Promise<void> {
  await insertDecisions(db, rolloutId, texts, at);
  await db
    .updateTable("rollouts")
    .set((q) => ({ decisionCount: q("decisionCount", "+", texts.length) }))
    .where("id", "=", rolloutId)
    .execute();
}

/** What is asked again and again of a device's deployments. */
export type KnownDeployment = DeploymentRow & { newestOffered: boolean };

/**
 * Deployments of a device that a check-in may say something about: open, given up, or its last one, confirmed. Oldest
 * first.
 */
export async function openToCheckIn(db: Queries, deviceId: string): Promise<KnownDeployment[]> {
  const rows = await db
    .selectFrom("deployments")
    .selectAll()
    .where("deviceId", "=", deviceId)
    .where((q) => q.or([q("finishedAt", "is", null), q("state", "in", givenUpStates)]))
    .orderBy("position")
    .execute();
  const newest = await db
    .selectFrom("deployments")
    .selectAll()
    .where("deviceId", "=", deviceId)
    .where("offeredAt", "is not", null)
    .orderBy("offeredAt", "desc")
    .orderBy("position", "desc")
    .executeTakeFirst();
  if (newest?.state === "confirmed") rows.push(newest);
  return rows
    .sort((one, other) => one.position - other.position)
    .map((row) => ({ ...row, newestOffered: row.id === newest?.id }));
}

/** Of a device's deployments: those of an image whose last word is that it was rolled back. */
export async function rolledBackImages(db: Queries, deviceId: string): Promise<Set<string>> {
  const rows = await db
    .selectFrom("deployments")
    .select(["digest", "state"])
    .where("deviceId", "=", deviceId)
    .where("state", "in", ["rolled-back", "confirmed"])
    .orderBy("offeredAt")
    .orderBy("position")
    .execute();
  const last = new Map(rows.map(({ digest, state }) => [digest, state]));
  return new Set([...last].filter(([, state]) => state === "rolled-back").map(([digest]) => digest));
}

export const deploymentRow = (db: Queries, id: string): Promise<DeploymentRow> =>
  db.selectFrom("deployments").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

const idsAtATime = 500;

export async function deploymentRows(db: Queries, ids: readonly string[]): Promise<DeploymentRow[]> {
  const rows: DeploymentRow[] = [];
  for (let at = 0; at < ids.length; at += idsAtATime)
    rows.push(
      ...(await db
        .selectFrom("deployments")
        .selectAll()
        .where("id", "in", ids.slice(at, at + idsAtATime))
        .execute()),
    );
  return rows;
}
