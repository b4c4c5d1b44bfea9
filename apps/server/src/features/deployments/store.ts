// Deployments and what the engine needs of their rollout, in the database: snapshots for the engine, and its changes
// back.

import { countInto, emptyTally, noCounts, type WaveTally } from "@flipside/api/rollout-arithmetic";
import type { RetryRule, StateCounts, WaveRules } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import type { DeploymentRow, RolloutRow } from "../../storage/schema.ts";
import { prepared, preparedByShape } from "../../storage/prepared.ts";
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

type ById = { id: string };

const countsById = prepared<ById, Count>((db, value) =>
  db.selectFrom("deploymentCounts").select(["wave", "state", "count"]).where("rolloutId", "=", value("id")),
);
/** How many of its deployments are in which state, of each wave. */
export const countsOf = (db: Queries, rolloutId: string): Promise<Count[]> => countsById(db, { id: rolloutId });

/** Adds so many to the counts that there are. */
const addShape = preparedByShape((db, value, rows: number) =>
  db
    .insertInto("deploymentCounts")
    .values(
      Array.from({ length: rows }, (_, i) => ({
        rolloutId: value("rolloutId"),
        wave: value(`wave${i}`),
        state: value(`state${i}`),
        count: value(`count${i}`),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(["rolloutId", "wave", "state"])
        .doUpdateSet((q) => ({ count: q("deploymentCounts.count", "+", q.ref("excluded.count")) })),
    ),
);

/** One for each wave and state. */
function summed(counts: Iterable<Count>): Count[] {
  const sums = new Map<string, Count>();
  for (const { wave, state, count } of counts) {
    const key = `${wave} ${state}`;
    sums.set(key, { wave, state, count: (sums.get(key)?.count ?? 0) + count });
  }
  return [...sums.values()];
}

const countsOfMoves = (moves: Changes["moves"]): Count[] =>
  moves.flatMap(({ wave, from, to }) => [
    { wave, state: from, count: -1 },
    { wave, state: to, count: 1 },
  ]);

export const storeMoves = (db: Queries, rolloutId: string, moves: Changes["moves"]): Promise<void> =>
  addCounts(db, rolloutId, countsOfMoves(moves));

/** Adds to the counts of a rollout's deployments, which are kept so that nobody has to count them. */
export async function addCounts(db: Queries, rolloutId: string, changes: Iterable<Count>): Promise<void> {
  const rows = summed(changes).filter(({ count }) => count !== 0);
  if (rows.length === 0) return;
  const values = rows.flatMap(({ wave, state, count }, i) => [
    [`wave${i}`, wave],
    [`state${i}`, state],
    [`count${i}`, count],
  ]);
  await addShape(db, rows.length, { rolloutId, ...Object.fromEntries(values) });
}

export function talliesOf(row: RolloutRow, counts: readonly Count[]): WaveTally[] {
  const tallies = (JSON.parse(row.waveTotals) as number[]).map(emptyTally);
  for (const { wave, state, count } of counts) countInto(tallies[wave]!, state, count);
  return tallies;
}

const lockedRollout = prepared<ById, RolloutRow>((db, value) =>
  db.selectFrom("rollouts").selectAll().where("id", "=", value("id")).forUpdate(),
);

/** The rollout's row, for the one transaction that may change it and its deployments now. */
export async function lockRollout(db: Queries, id: string): Promise<RolloutRow | undefined> {
  return (await lockedRollout(db, { id }))[0];
}

const rolloutById = prepared<ById, RolloutRow>((db, value) =>
  db.selectFrom("rollouts").selectAll().where("id", "=", value("id")),
);

/** One that there is. */
export async function rolloutRow(db: Queries, id: string): Promise<RolloutRow> {
  const [row] = await rolloutById(db, { id });
  if (row === undefined) throw new Error(`there is no rollout ${id}`);
  return row;
}

/** Of all waves. */
export function stateCountsOf(counts: readonly Count[]): StateCounts {
  const sums = noCounts();
  for (const { state, count } of counts) sums[state] += count;
  return sums;
}

export const rulesOf = (row: Pick<RolloutRow, "rules">): WaveRules[] => JSON.parse(row.rules) as WaveRules[];
export const retriesOf = (row: Pick<RolloutRow, "retries">): RetryRule[] => JSON.parse(row.retries) as RetryRule[];

/** As much as is known outside of the making of a rollout (rollouts/preparation.ts). */
export const preparationOf = (stored: string): { wavesMade: number } => JSON.parse(stored) as { wavesMade: number };

/** A rollout as the engine takes it, with what that was made of. */
export interface Read {
  row: RolloutRow;
  counts: readonly Count[];
  snapshot: RolloutSnapshot;
}

export async function readRollout(db: Queries, row: RolloutRow): Promise<Read> {
  const counts = await countsOf(db, row.id);
  return { row, counts, snapshot: await snapshotOfRollout(db, row, counts) };
}

/** The same after these, where nothing else of it has changed. */
export function afterMoves({ row, counts, snapshot }: Read, moves: Changes["moves"]): Read {
  const after = summed([...counts, ...countsOfMoves(moves)]);
  const waves = talliesOf(row, after);
  return { row, counts: after, snapshot: { ...snapshot, waves, counts: stateCountsOf(after) } };
}

export const loadSnapshot = async (db: Queries, row: RolloutRow): Promise<RolloutSnapshot> =>
  (await readRollout(db, row)).snapshot;

async function snapshotOfRollout(db: Queries, row: RolloutRow, counts: readonly Count[]): Promise<RolloutSnapshot> {
  return {
    state: row.state,
    pauseReason: row.pauseReason,
    currentWave: row.currentWave,
    createdBy: row.createdBy,
    rules: rulesOf(row),
    retries: retriesOf(row),
    soakUntil: row.soakUntil,
    heldFor: row.heldFor,
    targetOpen: row.targetOpen,
    supersededBy: row.supersededBy,
    approvals: JSON.parse(row.approvals) as Approval[],
    nextOfferAt: row.nextOfferAt,
    lateOffersMs: row.lateOffersMs,
    accepted: JSON.parse(row.accepted) as Accepted[],
    waves: talliesOf(row, counts),
    ...(row.preparing === null ? {} : { wavesMade: preparationOf(row.preparing).wavesMade }),
    counts: stateCountsOf(counts),
    health: await loadHealth(db, row),
  };
}

export function snapshotOf(row: DeploymentRow, isNewest = false): DeploymentSnapshot {
  const { id, deviceId, wave, attempt, digest, state, code, done, total, deadlineAt, notBefore } = row;
  return { id, deviceId, wave, attempt, digest, state, code, done, total, deadlineAt, notBefore, isNewest };
}

/** `shape`: the columns that it sets. */
const updateDeployment = preparedByShape((db, value, shape: string) =>
  db
    .updateTable("deployments")
    .set(Object.fromEntries(shape.split(" ").map((column) => [column, value(column)])))
    .where("id", "=", value("id"))
    .returningAll(),
);

/** Whether they are of more than how many deployments are in which state. */
export const changesRow = ({ rollout, decisions, rollBack, joins }: Changes): boolean =>
  Object.keys(rollout).length > 0 || decisions.length > 0 || rollBack !== undefined || joins.length > 0;

/**
 * Stores what the engine decided at this time. Its deadlines and the order of offers are of steady time; when something
 * was changed or ended is for people, and of the wall clock. Returns the deployments of which it decided something.
 * Their moves are left to be counted (`storeMoves`).
 */
export async function storeChanges(
  db: Queries,
  rolloutId: string,
  changes: Changes,
  clock: Clock,
): Promise<Map<string, DeploymentRow>> {
  const now = clock.wallMs();
  const rows = new Map<string, DeploymentRow>();
  for (const { id, offered, finishedAt, ...change } of changes.deployments) {
    const set = {
      ...change,
      ...(offered ? { offeredAt: clock.steadyMs() } : {}),
      ...(finishedAt === undefined ? {} : { finishedAt: finishedAt === null ? null : now }),
      updatedAt: now,
    };
    const [row] = await updateDeployment(db, Object.keys(set).join(" "), { ...set, id });
    if (row !== undefined) rows.set(id, row);
  }
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
  await insertDecisions(db, rolloutId, changes.decisions, now);
  return rows;
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
export type KnownDeployment = DeploymentRow & { isNewest: boolean };

const openAndNewest = prepared<ById, DeploymentRow & { newestId: string | null }>((db, value) =>
  db
    .with("newest", (with_) =>
      with_
        .selectFrom("deployments")
        .select(["id", "offeredAt"])
        .where("deviceId", "=", value("id"))
        .where("offeredAt", "is not", null)
        .orderBy("offeredAt", "desc")
        .orderBy("position", "desc")
        .limit(1),
    )
    .selectFrom("deployments")
    .leftJoin("newest", (join) => join.onTrue())
    .selectAll("deployments")
    .select("newest.id as newestId")
    .where("deviceId", "=", value("id"))
    .where((q) =>
      q.or([
        q("finishedAt", "is", null),
        q("state", "in", givenUpStates),
        q.and([q("state", "=", "confirmed"), q("deployments.id", "=", q.ref("newest.id"))]),
        // It ran the image already.
        q.and([
          q("state", "=", "confirmed"),
          q("deployments.offeredAt", "is", null),
          q.or([q("newest.offeredAt", "is", null), q("finishedAt", ">=", q.ref("newest.offeredAt"))]),
        ]),
      ]),
    )
    .orderBy("position"),
);

/**
 * Deployments of a device that a check-in may say something about: open, given up, or its last ones, confirmed. Oldest
 * first.
 */
export async function openToCheckIn(db: Queries, deviceId: string): Promise<KnownDeployment[]> {
  const rows = await openAndNewest(db, { id: deviceId });
  // Of those that are confirmed, the statement has no others.
  return rows.map(({ newestId, ...row }) => ({ ...row, isNewest: row.id === newestId || row.state === "confirmed" }));
}

/** Whether it is one of those, as the statement above has it. */
export const isOpenToCheckIn = ({ finishedAt, state, isNewest }: KnownDeployment): boolean =>
  finishedAt === null || givenUpStates.includes(state) || (state === "confirmed" && isNewest);

const installedOnce = prepared<ById, Pick<DeploymentRow, "digest" | "state">>((db, value) =>
  db
    .selectFrom("deployments")
    .select(["digest", "state"])
    .where("deviceId", "=", value("id"))
    .where("state", "in", ["rolled-back", "confirmed"])
    .orderBy("offeredAt")
    .orderBy("position"),
);

/** Of a device's deployments: those of an image whose last word is that it was rolled back. */
export async function rolledBackImages(db: Queries, deviceId: string): Promise<Set<string>> {
  const rows = await installedOnce(db, { id: deviceId });
  const last = new Map(rows.map(({ digest, state }) => [digest, state]));
  return new Set([...last].filter(([, state]) => state === "rolled-back").map(([digest]) => digest));
}

const deploymentById = prepared<ById, DeploymentRow>((db, value) =>
  db.selectFrom("deployments").selectAll().where("id", "=", value("id")),
);

/** One that there is. */
export async function deploymentRow(db: Queries, id: string): Promise<DeploymentRow> {
  const [row] = await deploymentById(db, { id });
  if (row === undefined) throw new Error(`there is no deployment ${id}`);
  return row;
}
