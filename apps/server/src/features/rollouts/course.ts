// How a rollout went so far, by spans of time, and when it is likely to end.

import { retriedStates } from "@flipside/api/rollout-transitions";
import type { RolloutCourse, RolloutEstimate } from "@flipside/api/types";
import { sql } from "kysely";
import type { Clock } from "../../clock.ts";
import { estimateOf, type Pace } from "../../domain/rollout-estimate.ts";
import type { RolloutSnapshot } from "../../domain/snapshots.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Brake } from "../deployments/brake.ts";
import { loadSnapshot } from "../deployments/store.ts";

export interface Courses {
  /** Throws ApiError when there is no such rollout. */
  course(id: string): Promise<RolloutCourse>;
  estimate(id: string): Promise<RolloutEstimate>;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const spans = [
  ...[second, 5 * second, 15 * second, minute, 5 * minute, 15 * minute],
  ...[hour, 6 * hour, 24 * hour, 7 * 24 * hour, 28 * 24 * hour],
];
/** As many as a chart has room for. */
const spansMax = 80;

const spanFor = (lengthMs: number): number =>
  spans.find((span) => lengthMs / span <= spansMax) ?? Math.ceil(lengthMs / spansMax);

async function rolloutRow(db: Queries, id: string): Promise<RolloutRow> {
  const row = await db
    .selectFrom("rollouts")
    .selectAll()
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .executeTakeFirst();
  if (row === undefined) throw new ApiError("not-found", "There is no such rollout.");
  return row;
}

async function courseOf(db: Queries, row: RolloutRow, now: number): Promise<RolloutCourse> {
  const until = Math.max(row.createdAt, row.finishedAt ?? now);
  const spanMs = spanFor(until - row.createdAt);
  const ended = db
    .selectFrom("deployments")
    .select(["wave", "state"])
    .select(sql<number>`${sql.ref("finishedAt")} - (${sql.ref("finishedAt")} % ${sql.lit(spanMs)})`.as("at"))
    .where("rolloutId", "=", row.id)
    .where("finishedAt", "is not", null)
    .where("state", "in", ["confirmed", ...retriedStates]);
  const rows = await db
    .selectFrom(ended.as("e"))
    .select(["at", "wave", "state"])
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .groupBy(["at", "wave", "state"])
    .orderBy("at")
    .orderBy("wave")
    .execute();
  const steps = new Map<string, RolloutCourse["steps"][number]>();
  for (const { at, wave, state, count } of rows) {
    const key = `${at} ${wave}`;
    const step = steps.get(key) ?? { at: iso(Number(at)), wave, succeeded: 0, failed: 0 };
    step[state === "confirmed" ? "succeeded" : "failed"] += Number(count);
    steps.set(key, step);
  }
  return { from: iso(row.createdAt), until: iso(until), spanMs, steps: [...steps.values()] };
}

/** The newest wave of which a device has come to its end. */
function lastWithEnds({ waves }: Pick<RolloutSnapshot, "waves">): number | undefined {
  const index = waves.findLastIndex(({ finished, cancelled }) => finished > cancelled);
  return index < 0 ? undefined : index;
}

/** By so many of the newest ends at most: of a large wave that is as good, and as fast as of a small one. */
const endsLookedAt = 500;

async function paceOf(db: Queries, id: string, rollout: RolloutSnapshot, clock: Clock): Promise<Pace | undefined> {
  const wave = lastWithEnds(rollout);
  if (wave === undefined) return undefined;
  const ends = await db
    .selectFrom("deployments")
    .select(["offeredAt", "finishedAt"])
    .where("rolloutId", "=", id)
    .where("wave", "=", wave)
    .where("state", "in", ["confirmed", ...retriedStates])
    .where("finishedAt", "is not", null)
    .orderBy("finishedAt", "desc")
    .limit(endsLookedAt)
    .execute();
  // Offers are of steady time.
  const begun = ends.flatMap(({ offeredAt }) => (offeredAt === null ? [] : [clock.shownMs(offeredAt)]));
  if (begun.length === 0) return undefined;
  const isWhole = ends.length < endsLookedAt;
  return {
    wave,
    finished: ends.length,
    isWhole,
    beganAt: isWhole ? Math.min(...begun) : ends.at(-1)!.finishedAt!,
    endedAt: ends[0]!.finishedAt!,
  };
}

export function createCourses({ db, clock, brake }: { db: Queries; clock: Clock; brake: Brake }): Courses {
  return {
    course: async (id) => courseOf(db, await rolloutRow(db, id), clock.wallMs()),
    async estimate(id) {
      const row = await rolloutRow(db, id);
      const rollout = await loadSnapshot(db, row);
      const { endsAt, sentence } = estimateOf({
        state: rollout.state,
        heldFor: rollout.heldFor,
        isStopped: brake.stop !== undefined,
        isPreparing: row.preparing !== null,
        targetOpen: rollout.targetOpen,
        hasMaintenance: row.maintenance !== null,
        currentWave: Math.max(0, rollout.currentWave),
        soakUntil: rollout.soakUntil === null ? null : clock.shownMs(rollout.soakUntil),
        waves: rollout.waves,
        rules: rollout.rules,
        pace: await paceOf(db, id, rollout, clock),
        now: clock.wallMs(),
      });
      return { endsAt: isoOrNull(endsAt), sentence };
    },
  };
}
