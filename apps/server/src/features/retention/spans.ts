// The spans of running time by which ages are told (domain/retention-horizon.ts), in the database.

import { fewer, nextSpan, type Span } from "../../domain/retention-horizon.ts";
import type { Queries } from "../../storage/storage.ts";

export const loadSpans = (db: Queries): Promise<Span[]> =>
  db.selectFrom("retentionSpans").selectAll().orderBy("runMs").execute();

/** Ends a span now. All that are kept. */
export async function endSpan(
  db: Queries,
  now: Parameters<typeof nextSpan>[1],
  keepMaxMs: number,
): Promise<readonly Span[]> {
  const before = await loadSpans(db);
  const kept = fewer([...before, nextSpan(before.at(-1), now)], keepMaxMs);
  const isSame = (one: Span, other: Span): boolean =>
    one.runMs === other.runMs && one.earliestAt === other.earliestAt && one.steadyAt === other.steadyAt;
  const gone = before.filter((span) => !kept.some((each) => isSame(each, span)));
  const added = kept.filter((span) => !before.some((each) => isSame(each, span)));
  if (gone.length > 0)
    await db
      .deleteFrom("retentionSpans")
      .where(
        "runMs",
        "in",
        gone.map(({ runMs }) => runMs),
      )
      .execute();
  for (const span of added)
    await db
      .insertInto("retentionSpans")
      .values(span)
      // No time has passed since the last one, or another server has ended it, too.
      .onConflict((conflict) => conflict.column("runMs").doUpdateSet(span))
      .execute();
  return kept;
}
