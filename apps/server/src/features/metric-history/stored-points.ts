// Points and the hours that they are part of, written together: an hour is right at any time, also when points come
// late or twice, or the clock was set back.

import { type Bucket, bucketOf, hourMs, type Point, together } from "../../domain/metric-buckets.ts";
import { preparedByShape } from "../../storage/prepared.ts";
import type { MetricHourTable, MetricPointTable } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

export interface SeriesPoint extends Point {
  seriesId: number;
}

/** Rows of one statement. */
const shapes = [100, 10, 1] as const;

function rowsOf<Row>(columns: readonly (keyof Row & string)[], value: (name: string) => never, count: number): Row[] {
  const row = (i: number): Row => Object.fromEntries(columns.map((name) => [name, value(`${name}${i}`)])) as Row;
  return Array.from({ length: count }, (_, i) => row(i));
}

const numbered = (rows: readonly object[]): Record<string, unknown> =>
  Object.fromEntries(rows.flatMap((row, i) => Object.entries(row).map(([name, value]) => [`${name}${i}`, value])));

async function inStatements<Row extends object, R>(
  rows: readonly Row[],
  run: (shape: number, values: Record<string, unknown>) => Promise<R[]>,
): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < rows.length; ) {
    const shape = shapes.find((each) => each <= rows.length - at)!;
    results.push(...(await run(shape, numbered(rows.slice(at, at + shape)))));
    at += shape;
  }
  return results;
}

const pointColumns = ["seriesId", "at", "value"] as const satisfies (keyof MetricPointTable)[];

const insertPoints = preparedByShape((db, value, count: number) =>
  db
    .insertInto("metricPoints")
    .values(rowsOf<MetricPointTable>(pointColumns, value, count))
    // It was written before, and the answer to that was lost.
    .onConflict((conflict) => conflict.doNothing())
    .returning(pointColumns),
);

const hourColumns = [
  "seriesId",
  "hour",
  "count",
  "sum",
  "min",
  "max",
  "last",
  "lastAt",
] as const satisfies (keyof MetricHourTable)[];

const addToHours = preparedByShape((db, value, count: number) =>
  db
    .insertInto("metricHours")
    .values(rowsOf<MetricHourTable>(hourColumns, value, count))
    .onConflict((conflict) =>
      conflict.columns(["seriesId", "hour"]).doUpdateSet((q) => {
        const added = (name: (typeof hourColumns)[number]) => q.ref(`excluded.${name}`);
        const kept = (name: (typeof hourColumns)[number]) => q.ref(`metricHours.${name}`);
        const newest = (name: "last" | "lastAt") =>
          q.case().when(added("lastAt"), ">=", kept("lastAt")).then(added(name)).else(kept(name)).end();
        return {
          count: q(kept("count"), "+", added("count")),
          sum: q(kept("sum"), "+", added("sum")),
          min: q.case().when(added("min"), "<", kept("min")).then(added("min")).else(kept("min")).end(),
          max: q.case().when(added("max"), ">", kept("max")).then(added("max")).else(kept("max")).end(),
          last: newest("last"),
          lastAt: newest("lastAt"),
        };
      }),
    ),
);

const inOrder = (one: { seriesId: number; at: number }, other: { seriesId: number; at: number }): number =>
  one.seriesId - other.seriesId || one.at - other.at;

export async function storePoints(db: Queries, points: readonly SeriesPoint[]): Promise<void> {
  const stored = await inStatements([...points].sort(inOrder), (shape, values) => insertPoints(db, shape, values));
  const hours = new Map<string, Bucket & { seriesId: number }>();
  for (const { seriesId, ...point } of stored) {
    const bucket = bucketOf(point, hourMs);
    const key = `${seriesId} ${bucket.at}`;
    const before = hours.get(key);
    hours.set(key, { seriesId, ...(before === undefined ? bucket : together(before, bucket)) });
  }
  const rows = [...hours.values()].sort(inOrder).map(({ at, ...bucket }) => ({ ...bucket, hour: at }));
  await inStatements(rows, (shape, values) => addToHours(db, shape, values));
}
