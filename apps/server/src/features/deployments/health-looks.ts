// The health gate in the database: what is watched of a rollout, which devices have failed, and each look that was
// taken at them, with what it was taken on.

import type { HealthMetric, HealthSettings } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import { type Evidence, type Look, noEvidence, withLook } from "../../domain/health/sequential-test.ts";
import { type HealthSide, metricKey, type Reported } from "../../domain/health/metrics.ts";
import type { HealthTestSnapshot, RolloutSnapshot } from "../../domain/snapshots.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";

const rowsAtATime = 500;
/** In one statement, which holds everything up in SQLite: some milliseconds. */
const rowsCounted = 1_000;

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
  const { metrics: _, ...others } = settings;
  return { ...others, tests };
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
 * Counts devices on either side (`sideOf`, as a statement) that are heard of and have not failed. One that a later
 * rollout has updated runs something else. In pieces, with turns for everything else between them: a rollout may be for
 * a million devices.
 */
export async function countAtRisk(
  db: Queries,
  rolloutId: string,
  metric: HealthMetric,
  isHeard: (deviceId: string) => boolean,
): Promise<HealthTestSnapshot["atRisk"]> {
  const atRisk = { updated: 0, others: 0 };
  for (let after: string | undefined = ""; after !== undefined; ) {
    const end = await db
      .selectFrom("deployments")
      .select("deviceId")
      .where("rolloutId", "=", rolloutId)
      .where("deviceId", ">", after)
      .orderBy("deviceId")
      .offset(rowsCounted - 1)
      .limit(1)
      .executeTakeFirst();
    for (const { deviceId, state } of await atRiskBetween(db, rolloutId, metric, after, end?.deviceId))
      if (isHeard(deviceId)) atRisk[state === "confirmed" ? "updated" : "others"]++;
    after = end?.deviceId;
    await turnOfTheLoop();
  }
  return atRisk;
}

function atRiskBetween(
  db: Queries,
  rolloutId: string,
  metric: HealthMetric,
  after: string,
  through: string | undefined,
): Promise<{ deviceId: string; state: DeploymentStateName }[]> {
  return db
    .selectFrom("deployments")
    .innerJoin("devices", "devices.id", "deployments.deviceId")
    .select(["deployments.deviceId", "deployments.state"])
    .where("deployments.rolloutId", "=", rolloutId)
    .where("deployments.deviceId", ">", after)
    .$if(through !== undefined, (q) => q.where("deployments.deviceId", "<=", through!))
    .where(({ and, or, eb }) =>
      or([
        eb("deployments.state", "in", ["queued", "unreached"]),
        and([eb("deployments.state", "=", "confirmed"), eb("deployments.offeredAt", "is not", null)]),
      ]),
    )
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
    .execute();
}

/** Takes one look at a metric, of which these have failed since the last one; `atRisk`: as counted before they had. */
export async function takeLook(
  db: Queries,
  rolloutId: string,
  { metric, evidence }: Pick<HealthTestSnapshot, "metric" | "evidence">,
  failures: readonly Failure[],
  { atRisk, at }: { atRisk: HealthTestSnapshot["atRisk"]; at: number },
): Promise<void> {
  const armOf = (side: "updated" | "others"): Look["updated"] => {
    const failed = failures.filter((failure) => failure.side === side).length;
    // One may have gone elsewhere between its failure and the count.
    return { atRisk: Math.max(atRisk[side], failed), failed };
  };
  const look = { updated: armOf("updated"), others: armOf("others") };
  const { updated, others } = look;
  if (updated.failed + others.failed === 0) return;
  await db
    .insertInto("healthLooks")
    .values({
      rolloutId,
      metric: metricKey(metric),
      at,
      updatedAtRisk: updated.atRisk,
      updatedFailed: updated.failed,
      othersAtRisk: others.atRisk,
      othersFailed: others.failed,
    })
    .execute();
  await storeTest(db, rolloutId, {
    metric,
    evidence: withLook(evidence, look),
    atRisk: { updated: updated.atRisk - updated.failed, others: others.atRisk - others.failed },
    lookedAt: at,
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
