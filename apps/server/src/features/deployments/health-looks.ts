// The health gate in the database: what is watched of a rollout, which devices have failed, and each look that was
// taken at them, with what it was taken on.

import type { HealthMetric, HealthSettings } from "@flipside/api/types";
import { type Evidence, type Look, noEvidence, withLook } from "../../domain/health/sequential-test.ts";
import { type HealthSide, metricKey, type Reported } from "../../domain/health/metrics.ts";
import type { HealthTestSnapshot, RolloutSnapshot } from "../../domain/snapshots.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

const rowsAtATime = 500;

/** A device has failed by a metric. */
export interface Failure {
  deviceId: string;
  /** Its metricKey. */
  metric: string;
  side: HealthSide;
  at: number;
}

export const healthOf = ({ health }: Pick<RolloutRow, "health">): HealthSettings | null =>
  health === null ? null : (JSON.parse(health) as HealthSettings);

/** What has been seen, of each metric that is watched. */
export async function loadHealth(
  db: Queries,
  row: Pick<RolloutRow, "id" | "health">,
): Promise<RolloutSnapshot["health"]> {
  const settings = healthOf(row);
  if (settings === null) return null;
  const rows = await db.selectFrom("healthTests").selectAll().where("rolloutId", "=", row.id).execute();
  const tests = settings.metrics.map((metric): HealthTestSnapshot => {
    const found = rows.find((each) => each.metric === metricKey(metric));
    return {
      metric,
      evidence: found === undefined ? noEvidence : (JSON.parse(found.evidence) as Evidence),
      atRisk: { updated: found?.updatedAtRisk ?? 0, others: found?.othersAtRisk ?? 0 },
      lookedAt: found?.lookedAt ?? null,
    };
  });
  return { errorRate: settings.errorRate, tests };
}

/** Returns those that had not failed before. */
export async function addFailures(db: Queries, rolloutId: string, failures: readonly Failure[]): Promise<Failure[]> {
  const added: Failure[] = [];
  for (let from = 0; from < failures.length; from += rowsAtATime)
    added.push(
      ...(await db
        .insertInto("healthFailures")
        .values(failures.slice(from, from + rowsAtATime).map((failure) => ({ rolloutId, ...failure })))
        .onConflict((conflict) => conflict.columns(["rolloutId", "metric", "deviceId"]).doNothing())
        .returning(["deviceId", "metric", "side", "at"])
        .execute()),
    );
  return added;
}

/**
 * Devices on either side (`sideOf`, as a statement) that were heard of since then and have not failed. One that a later
 * rollout has updated runs something else.
 */
async function atRiskOf(
  db: Queries,
  rolloutId: string,
  metric: HealthMetric,
  heardSince: number,
): Promise<HealthTestSnapshot["atRisk"]> {
  const rows = await db
    .selectFrom("deployments")
    .innerJoin("devices", "devices.id", "deployments.deviceId")
    .select((q) => ["deployments.state", q.fn.countAll<number>().as("count")])
    .where("deployments.rolloutId", "=", rolloutId)
    .where(({ and, or, eb }) =>
      or([
        eb("deployments.state", "in", ["queued", "unreached"]),
        and([eb("deployments.state", "=", "confirmed"), eb("deployments.offeredAt", "is not", null)]),
      ]),
    )
    .where("devices.lastSeenAt", ">=", heardSince)
    .$if(metric.kind === "reported", (q) => q.where("devices.metricName", "=", (metric as Reported).name))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("healthFailures")
            .select("healthFailures.deviceId")
            .whereRef("healthFailures.deviceId", "=", "deployments.deviceId")
            .where("healthFailures.rolloutId", "=", rolloutId)
            .where("healthFailures.metric", "=", metricKey(metric)),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("deployments as later")
            .select("later.id")
            .whereRef("later.deviceId", "=", "deployments.deviceId")
            .whereRef("later.offeredAt", ">", "deployments.offeredAt"),
        ),
      ),
    )
    .groupBy("deployments.state")
    .execute();
  const atRisk = { updated: 0, others: 0 };
  for (const { state, count } of rows) atRisk[state === "confirmed" ? "updated" : "others"] += count;
  return atRisk;
}

/** Takes one look at a metric, of which these have failed since the last one. */
export async function takeLook(
  db: Queries,
  rolloutId: string,
  { metric, evidence }: Pick<HealthTestSnapshot, "metric" | "evidence">,
  failures: readonly Failure[],
  times: { at: number; heardSince: number },
): Promise<void> {
  const left = await atRiskOf(db, rolloutId, metric, times.heardSince);
  const armOf = (side: "updated" | "others"): Look["updated"] => {
    const failed = failures.filter((failure) => failure.side === side).length;
    return { atRisk: left[side] + failed, failed };
  };
  const look = { updated: armOf("updated"), others: armOf("others") };
  if (look.updated.failed + look.others.failed === 0) return;
  const key = metricKey(metric);
  await db
    .insertInto("healthLooks")
    .values({
      rolloutId,
      metric: key,
      at: times.at,
      updatedAtRisk: look.updated.atRisk,
      updatedFailed: look.updated.failed,
      othersAtRisk: look.others.atRisk,
      othersFailed: look.others.failed,
    })
    .execute();
  await storeTest(db, rolloutId, {
    metric,
    evidence: withLook(evidence, look),
    atRisk: left,
    lookedAt: times.at,
  });
}

export async function storeTest(
  db: Queries,
  rolloutId: string,
  { metric, evidence, atRisk, lookedAt }: HealthTestSnapshot,
): Promise<void> {
  const row = {
    evidence: JSON.stringify(evidence),
    updatedAtRisk: atRisk.updated,
    othersAtRisk: atRisk.others,
    lookedAt: lookedAt ?? 0,
  };
  await db
    .insertInto("healthTests")
    .values({ rolloutId, metric: metricKey(metric), ...row })
    .onConflict((conflict) => conflict.columns(["rolloutId", "metric"]).doUpdateSet(row))
    .execute();
}
