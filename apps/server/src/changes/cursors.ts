// Where somebody who follows the changes from outside has come to, as a text: "3f9c01ab-1204". The number is a position
// of the table of changes. What stands before it is the run in which it was given: a database that was put back from a
// backup goes on at positions that it had already, and who followed it before must not take these for what he knows.

import { randomBytes } from "node:crypto";
import { changesKept, rangeOfChanges } from "../storage/outbox.ts";
import type { Storage } from "../storage/storage.ts";

const runsKey = "change-runs";
/** A cursor of a run before these is unknown: what it stands for is no more kept by far. */
const runsKept = 200;

/** A time in which this database was used without a gap. `from`: the newest change when it began. */
interface Run {
  id: string;
  from: number;
}

async function storedRuns(storage: Storage): Promise<Run[]> {
  const row = await storage.db.selectFrom("meta").select("value").where("key", "=", runsKey).executeTakeFirst();
  return row === undefined ? [] : (JSON.parse(row.value.toString()) as Run[]);
}

/** Of several servers, the first one begins a run and the others join it. Before anything changes. */
async function beginRun(storage: Storage): Promise<Run[]> {
  const before = await storedRuns(storage);
  if (before.length > 0 && (await storage.shared?.isBesideOthers()) === true) return before;
  const from = (await rangeOfChanges(storage.db))?.newest ?? 0;
  const runs = [...before, { id: randomBytes(4).toString("hex"), from }].slice(-runsKept);
  const value = Buffer.from(JSON.stringify(runs));
  await storage.db
    .insertInto("meta")
    .values({ key: runsKey, value })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
    .execute();
  return runs;
}

export interface Cursors {
  /**
   * A position up to which all that ever comes was told to those who follow the feed of this server, and can be read
   * from the table.
   */
  settled(): Promise<number>;
  at(position: number): string;
  /** Whether all that came after it is still there. */
  isKept(position: number): Promise<boolean>;
  /** The position that it stands for; undefined: what came after it is not kept any more, or it is none of ours. */
  read(cursor: string): Promise<number | undefined>;
}

/** `settled`: as in Cursors. */
export async function openCursors(storage: Storage, settled: () => Promise<number>): Promise<Cursors> {
  const runs = await beginRun(storage);
  // Asked for before anything is told.
  await settled();
  const run = runs.at(-1)!;
  async function isKept(position: number): Promise<boolean> {
    const range = await rangeOfChanges(storage.db);
    if (range === undefined) return true;
    // Those that are always kept may have gaps before them: of numbers that were never committed, or are not yet.
    return position >= range.newest - changesKept || position >= range.oldest - 1;
  }

  return {
    settled,
    isKept,
    at: (position) => `${run.id}-${position}`,
    async read(cursor) {
      const [, id, digits] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(cursor) ?? [];
      const index = runs.findIndex((each) => each.id === id);
      if (index < 0) return undefined;
      const position = Number(digits);
      // Where the next run began earlier, the database was put back in between.
      if (position > (runs[index + 1]?.from ?? (await settled()))) return undefined;
      return (await isKept(position)) ? position : undefined;
    },
  };
}
