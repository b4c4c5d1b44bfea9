// What a transaction has changed, written in the same transaction: whoever follows (changes/feed.ts) hears of what is
// stored, of all of it, and of nothing that was rolled back. A row for each changed thing, in the order of the commits.

import type { DeploymentStateName } from "@flipside/image-format";
import type { Kysely, Selectable } from "kysely";
import { preparedByShape } from "./prepared.ts";
import type { ChangeTable, Schema } from "./schema.ts";

export type Change =
  | { kind: "device" | "release"; id: string }
  /**
   * `due`: devices whose queued deployments became due by it; `countsOnly`: nothing of its row has changed, but how
   * many of its deployments are in which state. Both only while this process runs.
   */
  | { kind: "rollout"; id: string; due?: readonly string[]; countsOnly?: boolean }
  /** A rollout's deployments were made; they are named only while this process runs. */
  | { kind: "targets"; id: string; deployments?: readonly { id: string; deviceId: string }[] }
  /** `moved`: it went to another state, with what it was in before. */
  | {
      kind: "deployment";
      id: string;
      deviceId: string;
      moved?: { from: DeploymentStateName; state: DeploymentStateName; code: number; rollout: string };
    };

export interface StoredChange {
  /** Ascends; with gaps. */
  position: number;
  change: Change;
}

const rowsAtATime = 500;
/** For whoever was away: so many changes can be made up for. */
export const changesKept = 10_000;

/** So many at most are what most transactions change. */
const fewRows = 4;

type NewChange = Pick<Selectable<ChangeTable>, "kind" | "id" | "detail">;

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
      })),
    )
    .returning("position"),
);

const insertFew = (db: Kysely<Schema>, rows: readonly NewChange[]): Promise<{ position: number }[]> =>
  insertShape(
    db,
    rows.length,
    Object.fromEntries(
      rows.flatMap(({ kind, id, detail }, i) => [
        [`kind${i}`, kind],
        [`id${i}`, id],
        [`detail${i}`, detail],
      ]),
    ),
  );

export async function writeChanges(db: Kysely<Schema>, changes: readonly Change[]): Promise<StoredChange[]> {
  const stored: StoredChange[] = [];
  for (let from = 0; from < changes.length; from += rowsAtATime) {
    const part = changes.slice(from, from + rowsAtATime);
    const rows = part.length <= fewRows ? await insertFew(db, part.map(rowOf)) : await insert(db, part.map(rowOf));
    const positions = rows.map(({ position }) => position).sort((a, b) => a - b);
    part.forEach((change, i) => stored.push({ position: positions[i]!, change }));
  }
  return stored;
}

function rowOf(change: Change): NewChange {
  const { kind, id } = change;
  return {
    kind,
    id,
    detail: kind === "deployment" ? JSON.stringify({ deviceId: change.deviceId, moved: change.moved }) : null,
  };
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
    change: { kind: row.kind, id: row.id, ...(row.detail === null ? {} : JSON.parse(row.detail)) } as Change,
  }));
}

export async function pruneChanges(db: Kysely<Schema>, newest: number): Promise<void> {
  await db
    .deleteFrom("changes")
    .where("position", "<=", newest - changesKept)
    .execute();
}
