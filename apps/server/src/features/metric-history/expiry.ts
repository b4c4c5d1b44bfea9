// Points and hours that are older than they are kept for, and metrics of which nothing is left. There is no index by
// time: each metric is asked, by the order in which its rows are kept.

import { sql } from "kysely";
import type { Queries } from "../../storage/storage.ts";
import type { Expiring } from "../retention/retention.ts";

const rowsAtATime = 1_000;
const seriesAtATime = 200;

const timeOf = { metricPoints: "at", metricHours: "hour" } as const;
type Rows = keyof typeof timeOf;

/** Of the next metrics, which have something that is old. */
async function nextSeries(db: Queries, rows: Rows, before: number, after: number) {
  const [table, time] = [sql.table(rows), sql.ref(timeOf[rows])];
  const { rows: found } = await sql<{ id: number; hasOld: number; isLeft: number }>`
    select s."id",
      (select count(*) from (select 1 from ${table} where "seriesId" = s."id" and ${time} < ${before} limit 1) o) as "hasOld",
      (select count(*) from (select 1 from ${table} where "seriesId" = s."id" limit 1) l) as "isLeft"
    from "metricSeries" s where s."id" > ${after} order by s."id" limit ${sql.lit(seriesAtATime)}
  `.execute(db);
  return found.map(({ id, hasOld, isLeft }) => ({ id, hasOld: Number(hasOld) > 0, isLeft: Number(isLeft) > 0 }));
}

/** The oldest ones, so many at most. */
async function removeOld(db: Queries, rows: Rows, seriesId: number, before: number, rowsMax: number): Promise<number> {
  const [table, time] = [sql.table(rows), sql.ref(timeOf[rows])];
  const { rows: beyond } = await sql<{ time: number }>`
    select ${time} as "time" from ${table} where "seriesId" = ${seriesId} and ${time} < ${before}
    order by ${time} limit 1 offset ${sql.lit(rowsMax)}
  `.execute(db);
  const end = beyond[0]?.time ?? before;
  const { numAffectedRows } = await sql`
    delete from ${table} where "seriesId" = ${seriesId} and ${time} < ${end}
  `.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Whoever writes has its row locked, and is seen once it has committed. */
async function forgetEmpty(db: Queries, seriesId: number): Promise<void> {
  await db.selectFrom("metricSeries").select("id").where("id", "=", seriesId).forUpdate().execute();
  const isEmpty = async (rows: Rows): Promise<boolean> =>
    (await db.selectFrom(rows).select("seriesId").where("seriesId", "=", seriesId).limit(1).execute()).length === 0;
  if ((await isEmpty("metricPoints")) && (await isEmpty("metricHours")))
    await db.deleteFrom("metricSeries").where("id", "=", seriesId).execute();
}

/** All that is kept of a device's metrics. Whoever writes some of it has its numbers locked, and is waited for. */
export async function forgetMetrics(db: Queries, deviceId: string): Promise<void> {
  const series = await db.deleteFrom("metricSeries").where("deviceId", "=", deviceId).returning("id").execute();
  const ids = series.map(({ id }) => id);
  if (ids.length === 0) return;
  for (const rows of ["metricPoints", "metricHours"] as const)
    await db.deleteFrom(rows).where("seriesId", "in", ids).execute();
}

/** An hour has begun before what came in it: as a whole it is old one hour later. */
async function removeSome(db: Queries, rows: Rows, before: number, after: number) {
  let removed = 0;
  const series = await nextSeries(db, rows, before, after);
  for (const { id, hasOld, isLeft } of series) {
    if (hasOld) removed += await removeOld(db, rows, id, before, rowsAtATime - removed);
    else if (!isLeft && rows === "metricHours") await forgetEmpty(db, id);
    // There may be more of this one.
    if (removed >= rowsAtATime) return { removed, after: id - 1 };
  }
  return { removed, after: series.length < seriesAtATime ? null : series.at(-1)!.id };
}

export const expiringPoints = (keepMs: number): Expiring => ({
  what: "telemetry-raw",
  keepMs,
  removeSome: (db, before, after) => removeSome(db, "metricPoints", before, after),
});

export const expiringHours = (keepMs: number): Expiring => ({
  what: "telemetry-hours",
  keepMs,
  // An hour carries the time of its beginning.
  removeSome: (db, before, after) => removeSome(db, "metricHours", before - 3_600_000 + 1, after),
});
