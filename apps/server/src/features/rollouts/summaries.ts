// Rollouts as they are shown: read models, apart from what changes them.

import { waveStateOf } from "@flipside/api/rollout-arithmetic";
import type { HealthTest, Maintenance, Rollout as RolloutDetail, RolloutSummary } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { oddsNeeded, oddsOf } from "../../domain/gates/health.ts";
import { failureText } from "../../domain/health/metrics.ts";
import { estimatedRatio } from "../../domain/health/sequential-test.ts";
import type { RolloutSnapshot } from "../../domain/snapshots.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Progress } from "../deployments/progress.ts";
import { loadHealth } from "../deployments/health-looks.ts";
import { type Count, retriesOf, rulesOf, stateCountsOf, talliesOf } from "../deployments/store.ts";
import { deploymentView, selectDeployments } from "../devices/view.ts";
import { waveFiltersOf } from "./stored-request.ts";

type Shown = Pick<Clock, "shownMs">;

function summaryOf(row: RolloutRow & { version: string }, perWave: Count[], clock: Shown): RolloutSummary {
  const waves = talliesOf(row, perWave).map((tally, index) => ({
    index,
    ...tally,
    state: waveStateOf(tally, index, row.currentWave),
  }));
  return {
    id: row.id,
    name: row.name,
    releaseId: row.releaseId,
    version: row.version,
    state: row.state,
    pauseReason: row.pauseReason,
    createdAt: iso(row.createdAt),
    createdBy: row.createdBy,
    finishedAt: isoOrNull(row.finishedAt),
    urgent: row.urgent,
    targetFilter: row.targetFilter,
    decisionCount: row.decisionCount,
    currentWave: row.currentWave,
    soakUntil: row.soakUntil === null ? null : iso(clock.shownMs(row.soakUntil)),
    heldFor: row.heldFor,
    counts: stateCountsOf(perWave),
    total: waves.reduce((sum, wave) => sum + wave.total, 0),
    waves,
  };
}

/** Newest first; of one rollout with an id. By one statement, so that the state fits the counts. */
export async function summaries(db: Queries, clock: Shown, id?: string): Promise<RolloutSummary[]> {
  let query = db
    .selectFrom("rollouts")
    .innerJoin("releases", "releases.id", "rollouts.releaseId")
    .leftJoin("deploymentCounts", "deploymentCounts.rolloutId", "rollouts.id")
    .selectAll("rollouts")
    .select([
      "releases.version as version",
      "deploymentCounts.wave as countedWave",
      "deploymentCounts.state as countedState",
      "deploymentCounts.count as count",
    ])
    .orderBy("rollouts.createdAt", "desc")
    .orderBy("rollouts.id");
  if (id !== undefined) query = query.where("rollouts.id", "=", id);
  const rows = await query.execute();
  const byRollout = new Map<string, { row: (typeof rows)[number]; counts: Count[] }>();
  for (const row of rows) {
    const group = byRollout.get(row.id) ?? { row, counts: [] };
    byRollout.set(row.id, group);
    if (row.countedState !== null)
      group.counts.push({ wave: row.countedWave!, state: row.countedState, count: row.count! });
  }
  return [...byRollout.values()].map(({ row, counts }) => summaryOf(row, counts, clock));
}

function healthView(health: RolloutSnapshot["health"]): HealthTest[] {
  if (health === null) return [];
  return health.tests.map((test) => {
    const { metric, evidence, atRisk, lookedAt } = test;
    const ratio = estimatedRatio(evidence);
    return {
      metric,
      failure: failureText(metric),
      updated: { failed: evidence.failed.updated, atRisk: atRisk.updated },
      others: { failed: evidence.failed.others, atRisk: atRisk.others },
      ratio: Number.isFinite(ratio) ? ratio : null,
      odds: oddsOf(test),
      oddsNeeded: oddsNeeded(health),
      lookedAt: isoOrNull(lookedAt),
    };
  });
}

/** Throws ApiError when there is none. */
export async function rolloutDetail(
  db: Queries,
  id: string,
  { clock, progress }: { clock: Shown; progress: Progress },
): Promise<RolloutDetail> {
  const [summary] = await summaries(db, clock, id);
  if (summary === undefined) throw new ApiError("not-found", "There is no such rollout.");
  const deployments = await selectDeployments(db).where("deployments.rolloutId", "=", id).orderBy("position").execute();
  const decisions = await db
    .selectFrom("decisions")
    .select(["at", "text"])
    .where("rolloutId", "=", id)
    .orderBy("id")
    .execute();
  const row = await db.selectFrom("rollouts").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  return {
    ...summary,
    settings: {
      rules: rulesOf(row),
      waveFilters: waveFiltersOf(row, summary.waves.length),
      maintenance: row.maintenance === null ? null : (JSON.parse(row.maintenance) as Maintenance),
      retries: retriesOf(row),
      lateOffersMs: row.lateOffersMs,
      allowOlder: row.allowOlder,
    },
    deployments: deployments.map((row) => deploymentView(progress.over(row))),
    decisions: decisions.map(({ at, text }) => ({ at: iso(at), text })),
    health: healthView(await loadHealth(db, row)),
  };
}
