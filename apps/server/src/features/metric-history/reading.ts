// What is shown of devices' metrics: each point where they are few, else pieces of time, of the points as long as they
// are kept and of hours after that.

import { metricPointsMax } from "@flipside/api/limits";
import type { DeviceMetric, MetricHistoryPage, MetricPoint } from "@flipside/api/types";
import { sql } from "kysely";
import type { Clock } from "../../clock.ts";
import { type Bucket, bucketOf, bucketSteps, hourMs, longer, stepFor } from "../../domain/metric-buckets.ts";
import { ApiError } from "../../http/errors.ts";
import { iso } from "../../identifiers.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { findDevice } from "../device-records/store.ts";
import type { MetricHistory } from "./metric-history.ts";

const rangeMsDefault = 24 * hourMs;

export interface AskedRange {
  /** ISO 8601. */
  from?: string | undefined;
  to?: string | undefined;
  stepMs?: string | undefined;
}

export interface MetricReading {
  list(deviceId: string): Promise<{ metrics: DeviceMetric[] }>;
  history(deviceId: string, name: string, asked: AskedRange): Promise<MetricHistoryPage>;
}

interface Range {
  fromMs: number;
  /** Not included. */
  toMs: number;
}

function rangeOf({ from, to }: AskedRange, now: number): Range {
  const toMs = to === undefined ? now + 1 : Date.parse(to);
  const fromMs = from === undefined ? toMs - rangeMsDefault : Date.parse(from);
  if (fromMs < toMs) return { fromMs: Math.max(fromMs, toMs - bucketSteps.at(-1)! * (metricPointsMax - 2)), toMs };
  const message = "from must be before to";
  throw new ApiError("validation-failed", message, { errors: [{ path: "from", message }] });
}

/** Each as it came; undefined: there are more than are shown at once. */
async function pointsOf(db: Queries, seriesId: number, { fromMs, toMs }: Range): Promise<Bucket[] | undefined> {
  const rows = await db
    .selectFrom("metricPoints")
    .select(["at", "value"])
    .where("seriesId", "=", seriesId)
    .where("at", ">=", fromMs)
    .where("at", "<", toMs)
    .orderBy("at")
    .limit(metricPointsMax + 1)
    .execute();
  return rows.length > metricPointsMax ? undefined : rows.map((row) => bucketOf(row, 1));
}

async function bucketsOfPoints(
  db: Queries,
  seriesId: number,
  { fromMs, toMs }: Range,
  stepMs: number,
): Promise<Bucket[]> {
  const step = sql.lit(stepMs);
  const { rows } = await sql<Record<keyof Bucket, number | string>>`
    select b."at", b."count", b."sum", b."min", b."max", b."lastAt", p."value" as "last"
    from (
      select "at" - "at" % ${step} as "at", count(*) as "count", sum("value") as "sum", min("value") as "min",
        max("value") as "max", max("at") as "lastAt"
      from "metricPoints"
      where "seriesId" = ${seriesId} and "at" >= ${fromMs} and "at" < ${toMs}
      group by "at" - "at" % ${step}
    ) b
    join "metricPoints" p on p."seriesId" = ${seriesId} and p."at" = b."lastAt"
    order by b."at"
  `.execute(db);
  // PostgreSQL's sums are of a type that comes as text.
  return rows.map((row) => ({ ...(row as Bucket), sum: Number(row.sum) }));
}

async function bucketsOfHours(
  db: Queries,
  seriesId: number,
  { fromMs, toMs }: Range,
  stepMs: number,
): Promise<Bucket[]> {
  const rows = await db
    .selectFrom("metricHours")
    .select(["hour as at", "count", "sum", "min", "max", "last", "lastAt"])
    .where("seriesId", "=", seriesId)
    .where("hour", ">", fromMs - hourMs)
    .where("hour", "<", toMs)
    .orderBy("hour")
    .execute();
  return longer(rows, stepMs);
}

const shown = ({ at, count, sum, min, max, last }: Bucket): MetricPoint => ({
  at: iso(at),
  min,
  max,
  mean: sum / count,
  last,
  count,
});

export function createMetricReading({
  storage,
  history,
  clock,
  keepPointsMs,
}: {
  storage: Storage;
  history: Pick<MetricHistory, "flush">;
  clock: Pick<Clock, "wallMs">;
  keepPointsMs: number;
}): MetricReading {
  const { db } = storage;

  /** With what waits to be written. Throws ApiError when there is no such device. */
  async function upToDate(deviceId: string): Promise<void> {
    if ((await findDevice(db, deviceId)) === undefined) throw new ApiError("not-found", "There is no such device.");
    await history.flush(deviceId);
  }

  async function read(
    seriesId: number,
    range: Range,
    wantedMs: number,
  ): Promise<{ buckets: Bucket[]; stepMs: number | null }> {
    // Points go an hour's worth at a time, and a console's clock may go a little wrong.
    const hasPoints = range.fromMs >= clock.wallMs() - keepPointsMs - hourMs;
    const points = hasPoints && wantedMs === 0 ? await pointsOf(db, seriesId, range) : undefined;
    if (points !== undefined) return { buckets: points, stepMs: null };
    const stepMs = stepFor(
      range.toMs - range.fromMs,
      hasPoints ? wantedMs : Math.max(wantedMs, hourMs),
      metricPointsMax,
    );
    const bucketsOf = stepMs < hourMs ? bucketsOfPoints : bucketsOfHours;
    return { buckets: await bucketsOf(db, seriesId, range, stepMs), stepMs };
  }

  return {
    async list(deviceId) {
      await upToDate(deviceId);
      // Each point is part of an hour, and those are kept for longer.
      const metrics = await db
        .selectFrom("metricSeries")
        .innerJoin("metricHours", "metricHours.seriesId", "metricSeries.id")
        .select(["metricSeries.name", "metricHours.last as value", "metricHours.lastAt"])
        .where("metricSeries.deviceId", "=", deviceId)
        .where("metricHours.hour", "=", (q) =>
          q
            .selectFrom("metricHours as newest")
            .select((of) => of.fn.max("newest.hour").as("hour"))
            .whereRef("newest.seriesId", "=", "metricSeries.id"),
        )
        .orderBy("metricSeries.name")
        .execute();
      return { metrics: metrics.map(({ name, value, lastAt }) => ({ name, value, at: iso(lastAt) })) };
    },

    async history(deviceId, name, asked) {
      const range = rangeOf(asked, clock.wallMs());
      await upToDate(deviceId);
      const series = await db
        .selectFrom("metricSeries")
        .select("id")
        .where("deviceId", "=", deviceId)
        .where("name", "=", name)
        .executeTakeFirst();
      if (series === undefined) throw new ApiError("not-found", "There is no such metric of this device.");
      const { buckets, stepMs } = await read(series.id, range, Number(asked.stepMs ?? 0));
      return { name, from: iso(range.fromMs), to: iso(range.toMs), stepMs, points: buckets.map(shown) };
    },
  };
}
