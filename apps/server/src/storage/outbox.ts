// What a transaction has changed, written in the same transaction: whoever follows (changes/feed.ts) hears of what is
// stored, of all of it, and of nothing that was rolled back. A row for each changed thing, in the order of the commits.

import type { WebhookEvent } from "@flipside/api/webhook-events";
import type { DeploymentStateName } from "@flipside/image-format";
import { type Kysely, type Selectable, sql } from "kysely";
import { preparedByShape } from "./prepared.ts";
import type { ChangeTable, DeploymentRow, Schema } from "./schema.ts";

export type Change =
  | { kind: "release"; id: string }
  /** `tags`: it has others than before, so that somebody may see it who did not, or the other way round. */
  | { kind: "device"; id: string; tags?: "changed" }
  /**
   * `due`: devices whose queued deployments became due by it; `countsOnly`: nothing of its row has changed, but how
   * many of its deployments are in which state. Both only while this process runs. `othersDue`: another server's
   * change, which names those that are due when they are few, and else says that there are some.
   */
  | { kind: "rollout"; id: string; due?: readonly string[]; countsOnly?: boolean; othersDue?: "named" | "many" }
  /** A rollout's deployments were made; they are named only while this process runs, or to others when they are few. */
  | { kind: "targets"; id: string; deployments?: readonly { id: string; deviceId: string }[] }
  /**
   * `moved`: it went to another state, with what it was in before. `row`: what the transaction has left of it; only
   * while this process runs, and where changes are told in the order of their commits.
   */
  | {
      kind: "deployment";
      id: string;
      deviceId: string;
      moved?: { from: DeploymentStateName; state: DeploymentStateName; code: number; rollout: string };
      row?: DeploymentRow;
      /** It is no more. */
      deleted?: true;
    }
  | Fact;

/**
 * What has happened, beside what is another than it was by that: whoever watches over the fleet is told (webhooks).
 * `id`: of what it is about. `at`: of the wall clock; left out: now.
 */
export interface Fact {
  kind: "fact";
  id: string;
  fact: WebhookEvent;
  at?: number;
  about?: Readonly<Record<string, unknown>>;
}

export interface StoredChange {
  /** Ascends; with gaps. */
  position: number;
  change: Change;
  /** Who has written it, where several servers do. */
  member?: string;
}

const rowsAtATime = 500;
/** As many are named to other servers; of more they look for those that are theirs. */
const namedMax = 50;
/** As many become due by a piece of a rollout: of more each server would look for its own again at each piece. */
const dueNamedMax = 250;
/** For whoever was away: so many changes can be made up for. */
export const changesKept = 10_000;

/** So many at most are what most transactions change, also for several devices. */
const fewRows = 33;

type NewChange = Pick<Selectable<ChangeTable>, "kind" | "id" | "detail" | "member">;

const insert = (db: Kysely<Schema>, rows: NewChange[]): Promise<{ position: number }[]> =>
  db.insertInto("changes").values(rows).returning("position").execute();

const insertShape = preparedByShape((db, value, count: number) =>
  db
    .insertInto("changes")
    .values(
      Array.from({ length: count }, (_, i) => ({
        kind: value(`kind${i}`),
        id: value(`id${i}`),
        detail: value(`detail${i}`),
        member: value(`member${i}`),
      })),
    )
    .returning("position"),
);

const insertFew = (db: Kysely<Schema>, rows: readonly NewChange[]): Promise<{ position: number }[]> =>
  insertShape(
    db,
    rows.length,
    Object.fromEntries(
      rows.flatMap(({ kind, id, detail, member }, i) => [
        [`kind${i}`, kind],
        [`id${i}`, id],
        [`detail${i}`, detail],
        [`member${i}`, member],
      ]),
    ),
  );

/** `member`: who writes them, where other servers read them. */
export async function writeChanges(
  db: Kysely<Schema>,
  changes: readonly Change[],
  member?: string,
): Promise<StoredChange[]> {
  const stored: StoredChange[] = [];
  if (member !== undefined) await numberTransaction(db);
  for (let from = 0; from < changes.length; from += rowsAtATime) {
    const part = changes.slice(from, from + rowsAtATime);
    const values = part.map((change) => (member === undefined ? rowOf(change) : { ...rowForOthers(change), member }));
    const rows = values.length <= fewRows ? await insertFew(db, values) : await insert(db, values);
    const positions = rows.map(({ position }) => position).sort((a, b) => a - b);
    part.forEach((change, i) => stored.push({ position: positions[i]!, change }));
  }
  return stored;
}

function rowOf(change: Change): NewChange {
  const { kind, id } = change;
  if (change.kind === "fact") {
    const { fact, at, about } = change;
    return { kind, id, detail: JSON.stringify({ fact, at, about }), member: null };
  }
  return {
    kind,
    id,
    detail:
      kind === "deployment"
        ? JSON.stringify({ deviceId: change.deviceId, moved: change.moved, deleted: change.deleted })
        : kind === "device" && change.tags !== undefined
          ? JSON.stringify({ tags: change.tags })
          : null,
    member: null,
  };
}

function rowForOthers(change: Change): NewChange {
  const row = rowOf(change);
  if (change.kind === "rollout") {
    const { due = [] } = change;
    const more =
      due.length > dueNamedMax ? { othersDue: "many" } : due.length > 0 ? { othersDue: "named", due } : undefined;
    return more === undefined ? row : { ...row, detail: JSON.stringify(more) };
  }
  if (change.kind !== "targets" || change.deployments === undefined || change.deployments.length > namedMax) return row;
  return { ...row, detail: JSON.stringify({ deployments: change.deployments }) };
}

/** Up to `limit` that come after `position`, oldest first. */
export async function readChanges(db: Kysely<Schema>, position: number, limit: number): Promise<StoredChange[]> {
  const rows = await db
    .selectFrom("changes")
    .selectAll()
    .where("position", ">", position)
    .orderBy("position")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    position: row.position,
    ...(row.member === null ? {} : { member: row.member }),
    change: { kind: row.kind, id: row.id, ...(row.detail === null ? {} : JSON.parse(row.detail)) } as Change,
  }));
}

/** Before a transaction takes positions for its changes: it is waited for by its own number. */
const numberTransaction = (db: Kysely<Schema>): Promise<unknown> => sql`select pg_current_xact_id()`.execute(db);

/**
 * Which transactions are under way as this is asked: each has a number from `oldest` on, and those that begin later
 * have one from `next` on. PostgreSQL's alone.
 */
export async function transactionsUnderWay(db: Kysely<Schema>): Promise<{ oldest: number; next: number }> {
  const { rows } = await sql<{ oldest: number; next: number }>`
    select pg_snapshot_xmin(now)::text::bigint as oldest, pg_snapshot_xmax(now)::text::bigint as next
    from pg_current_snapshot() as now`.execute(db);
  return rows[0]!;
}

/** The oldest that is kept, and the newest; undefined: there are none. */
export async function rangeOfChanges(db: Kysely<Schema>): Promise<{ oldest: number; newest: number } | undefined> {
  const row = await db
    .selectFrom("changes")
    .select(({ fn }) => [fn.min("position").as("oldest"), fn.max("position").as("newest")])
    .executeTakeFirstOrThrow();
  return row.oldest === null ? undefined : { oldest: Number(row.oldest), newest: Number(row.newest) };
}

export async function pruneChanges(db: Kysely<Schema>, newest: number): Promise<void> {
  await db
    .deleteFrom("changes")
    .where("position", "<=", newest - changesKept)
    .execute();
}
