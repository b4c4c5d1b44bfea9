// What the fleet was, counted each quarter of an hour and kept for a quarter of a year. By the wall clock, since that
// is what people ask by: at a time that a clock jumped over nobody counted, one that it shows twice is counted once.

import { fleetSampleMs, type FleetSpan, fleetSpans } from "@flipside/api/fleet-spans";
import type { DeviceSummary, FleetHistory } from "@flipside/api/types";
import { iso } from "../../identifiers.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DeviceCounts } from "../devices/device-counts.ts";
import type { Expiring } from "../retention/retention.ts";

/** Somewhat more than can be asked for. */
const keptMs = fleetSpans.quarter.spanMs + 24 * 3_600_000;
const samplesAtATime = 1_000;

export interface FleetCounting {
  /** Counts, if that is due. One of several servers does it. */
  tick(): Promise<void>;
  read(span: FleetSpan): Promise<FleetHistory>;
}

export function createFleetCounting(
  { db }: Pick<Storage, "db">,
  counts: Pick<DeviceCounts, "summary">,
  wallMs: () => number,
): FleetCounting {
  let countedLast: number | undefined;
  return {
    async tick() {
      const at = Math.floor(wallMs() / fleetSampleMs) * fleetSampleMs;
      if (at === countedLast) return;
      const summary = JSON.stringify(await counts.summary(null));
      await db
        .insertInto("fleetSamples")
        .values({ at, summary })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      countedLast = at;
    },
    async read(span) {
      const { spanMs, stepMs } = fleetSpans[span];
      const to = wallMs();
      const from = to - spanMs;
      const rows = await db
        .selectFrom("fleetSamples")
        .selectAll()
        .where("at", ">=", from)
        .where("at", "<=", to)
        .where((q) => q(q("at", "%", stepMs), "=", 0))
        .orderBy("at")
        .execute();
      const past = rows.map(({ at, summary }) => ({ at: iso(at), ...(JSON.parse(summary) as DeviceSummary) }));
      const now = { at: iso(to), ...(await counts.summary(null)) };
      return { from: iso(from), to: iso(to), stepMs, counts: [...past, now] };
    },
  };
}

export const expiringFleetSamples: Expiring = {
  what: "fleet-samples",
  keepMs: keptMs,
  async removeSome(db, before) {
    const { numDeletedRows } = await db
      .deleteFrom("fleetSamples")
      .where("at", "in", (q) =>
        q.selectFrom("fleetSamples").select("at").where("at", "<", before).orderBy("at").limit(samplesAtATime),
      )
      .executeTakeFirstOrThrow();
    const removed = Number(numDeletedRows);
    return { removed, after: removed === samplesAtATime ? removed : null };
  },
};
