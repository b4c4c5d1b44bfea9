// Devices in the order of their ids, a bounded piece at a time, however many there are and however few are looked for.
//
// A step looks at the next ids of a source: all devices, or those of one kind where an index has them. What is looked
// for narrows the step in SQL as far as it can (`where`), and `matches` decides.

import type { Expression, ExpressionBuilder, SqlBool } from "kysely";
import type { DeviceRow, Schema } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

type Devices = ExpressionBuilder<Schema, "devices">;
export type DeviceCondition = (q: Devices) => Expression<SqlBool>;

/** The ids after this one, in order, at most so many. */
export type IdSource = (db: Queries, after: string, most: number) => Promise<string[]>;

export interface Sought {
  /** Has every device that may match; undefined: all devices. */
  source: IdSource | undefined;
  /** True of every device that matches, and of others, too; undefined: nothing can be said in SQL. */
  where: DeviceCondition | undefined;
  /** Of those that are let through, the ones that match; undefined: all of them. */
  matches: ((rows: DeviceRow[]) => Promise<DeviceRow[]>) | undefined;
}

export const everyDevice: Sought = { source: undefined, where: undefined, matches: undefined };

/** Ids that one statement names. */
const idsAtATime = 500;
/** Devices that one step looks at, when SQL looks, and when each row has to be read. */
const lookedAtInSql = 2_000;
const lookedAtRowByRow = 500;

export interface Step {
  rows: DeviceRow[];
  /** All up to this id were looked at; undefined: all that there are. */
  through: string | undefined;
  lookedAt: number;
}

/** Of these ids, the ones that are let through. */
export async function soughtAmong(
  db: Queries,
  { where, matches }: Sought,
  ids: readonly string[],
): Promise<Map<string, DeviceRow>> {
  const found = new Map<string, DeviceRow>();
  for (let at = 0; at < ids.length; at += idsAtATime) {
    const rows = await db
      .selectFrom("devices")
      .selectAll("devices")
      .where("deletedAt", "is", null)
      .where("id", "in", ids.slice(at, at + idsAtATime))
      .$if(where !== undefined, (query) => query.where((q) => where!(q)))
      .execute();
    for (const row of matches === undefined ? rows : await matches(rows)) found.set(row.id, row);
  }
  return found;
}

/** The next step, which gives `most` rows at most where nothing else decides. */
async function readStep(db: Queries, { source, where, matches }: Sought, after: string, most: number): Promise<Step> {
  const devices = db.selectFrom("devices").selectAll("devices").where("deletedAt", "is", null).orderBy("id");
  const narrowed = where === undefined ? devices : devices.where((q) => where(q));
  if (source !== undefined) {
    const wanted = where === undefined && matches === undefined ? Math.min(most, idsAtATime) : idsAtATime;
    const ids = await source(db, after, wanted);
    const rows = ids.length === 0 ? [] : await narrowed.where("id", "in", ids).execute();
    return { rows, through: ids.length < wanted ? undefined : ids.at(-1), lookedAt: ids.length };
  }
  if (where === undefined) {
    const wanted = matches === undefined ? most : Math.max(most, lookedAtRowByRow);
    const rows = await devices.where("id", ">", after).limit(wanted).execute();
    return { rows, through: rows.length < wanted ? undefined : rows.at(-1)!.id, lookedAt: rows.length };
  }
  const rowsMax = matches === undefined ? Math.min(most, idsAtATime) : idsAtATime;
  const end = await db
    .selectFrom("devices")
    .select("id")
    .where("id", ">", after)
    .orderBy("id")
    .offset(lookedAtInSql - 1)
    .limit(1)
    .executeTakeFirst();
  const rows = await narrowed
    .where("id", ">", after)
    .$if(end !== undefined, (q) => q.where("id", "<=", end!.id))
    .limit(rowsMax)
    .execute();
  const isCut = rows.length === rowsMax;
  return { rows, through: isCut ? rows.at(-1)!.id : end?.id, lookedAt: lookedAtInSql };
}

export async function nextStep(db: Queries, sought: Sought, after: string, most: number): Promise<Step> {
  const step = await readStep(db, sought, after, most);
  return sought.matches === undefined ? step : { ...step, rows: await sought.matches(step.rows) };
}

/** Devices that one page looks at: what is rare is not found by one request that holds everybody up. */
export const lookedAtForPage = 10_000;
export const rowsReadForPage = 500;

/**
 * A page of those that are sought. `through`: go on after this id; undefined: there are no more. It may have fewer rows
 * than `limit`, and none, while there are more.
 */
export async function pageOfDevices(
  db: Queries,
  sought: Sought,
  { after, limit }: { after: string; limit: number },
): Promise<{ rows: DeviceRow[]; through: string | undefined }> {
  const found: DeviceRow[] = [];
  const most = sought.where === undefined ? rowsReadForPage : lookedAtForPage;
  for (let at = after, lookedAt = 0; ; ) {
    const step = await nextStep(db, sought, at, limit + 1 - found.length);
    found.push(...step.rows);
    lookedAt += step.lookedAt;
    // One more was found than are shown: there are more.
    if (found.length > limit) return { rows: found.slice(0, limit), through: found[limit - 1]!.id };
    if (step.through === undefined || lookedAt >= most) return { rows: found, through: step.through };
    at = step.through;
  }
}
