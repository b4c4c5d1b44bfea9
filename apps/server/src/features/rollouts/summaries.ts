// Rollouts as they are shown: read models, apart from what changes them.

import { waveStateOf } from "@flipside/api/rollout-arithmetic";
import { mayAct } from "@flipside/api/rollout-transitions";
import type { Scope } from "@flipside/api/scope";
import type {
  Decision,
  Deployment,
  HealthTest,
  Maintenance,
  Rollout as RolloutDetail,
  RolloutSummary,
} from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { oddsNeeded, oddsOf } from "../../domain/gates/health.ts";
import { failureText } from "../../domain/health/metrics.ts";
import { estimatedRatio } from "../../domain/health/sequential-test.ts";
import type { RolloutSnapshot } from "../../domain/snapshots.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { scopeIn, shownScope } from "../../storage/stored-scope.ts";
import type { Progress } from "../deployments/progress.ts";
import { loadHealth } from "../deployments/health-looks.ts";
import { type Count, retriesOf, rulesOf, stateCountsOf, talliesOf } from "../deployments/store.ts";
import { deploymentView, selectDeployments } from "../devices/view.ts";
import { rolloutScopesWithin } from "../scopes/scopes.ts";
import { preparationIn } from "./preparation.ts";
import { requestOf, waveFiltersOf } from "./stored-request.ts";

type Shown = Pick<Clock, "shownMs">;

function preparingView(row: RolloutRow): RolloutSummary["preparing"] {
  const preparation = preparationIn(row);
  if (preparation === undefined) return null;
  const { stage, chosen, made } = preparation;
  return { stage, chosen, made };
}

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
    scope: shownScope(scopeIn(row)),
    finishedAt: isoOrNull(row.finishedAt),
    archivedAt: isoOrNull(row.archivedAt),
    urgent: row.urgent,
    targetFilter: row.targetFilter,
    supersedes: requestOf(row)?.supersedes ?? [],
    supersededBy: row.supersededBy,
    targetOpen: row.targetOpen && mayAct(row.state, "device-joined"),
    decisionCount: row.decisionCount,
    currentWave: row.currentWave,
    soakUntil: row.soakUntil === null ? null : iso(clock.shownMs(row.soakUntil)),
    heldFor: row.heldFor,
    preparing: preparingView(row),
    carryingOut: row.preparing !== null || row.sweeps !== null || row.rollBackDue !== null,
    counts: stateCountsOf(perWave),
    total: waves.reduce((sum, wave) => sum + wave.total, 0),
    waves,
  };
}

/** Lists, as their cursors name them. */
export const rolloutList = "rollouts";
export const rolloutDeployments = "rollout-deployments";
export const rolloutDecisions = "rollout-decisions";

/** In the detail, which has the first page of both. */
const membersShown = 100;

const ofRollout = (id: string): RolloutChoice => ({ id });

export type RolloutsAsked = PageAsked & { archived: boolean; scope: Scope };
type RolloutChoice = { id: string } | RolloutsAsked;

/** Of one rollout, or of a page of them and the one after it, newest first. */
function chosenRollouts(db: Queries, chosen: RolloutChoice, seen?: readonly string[]) {
  const rollouts = db.selectFrom("rollouts").selectAll().where("deletedAt", "is", null);
  if ("id" in chosen) return rollouts.where("id", "=", chosen.id);
  const { limit, after, archived } = chosen;
  return rollouts
    .$if(seen !== undefined, (q) => q.where("scope", "in", seen!))
    .$if(!archived, (q) => q.where("archivedAt", "is", null))
    .$if(after !== undefined, (q) =>
      q.where(({ eb, refTuple, tuple }) =>
        eb(refTuple("createdAt", "id"), "<", tuple(after![0] as number, String(after![1]))),
      ),
    )
    .orderBy("createdAt", "desc")
    .orderBy("id", "desc")
    .limit(limit + 1);
}

/** Newest first. By one statement, so that the state fits the counts. */
async function summaries(db: Queries, clock: Shown, chosen: RolloutChoice): Promise<RolloutSummary[]> {
  const seen = "id" in chosen || chosen.scope === null ? undefined : await rolloutScopesWithin(db, chosen.scope);
  const query = db
    .selectFrom(chosenRollouts(db, chosen, seen).as("rollouts"))
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
    .orderBy("rollouts.id", "desc");
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

export async function rolloutPage(
  db: Queries,
  clock: Shown,
  asked: RolloutsAsked,
): Promise<{ rollouts: RolloutSummary[]; next: string | null }> {
  const found = await summaries(db, clock, asked);
  const { rows, next } = paged(rolloutList, found, asked.limit, ({ createdAt, id }) => [Date.parse(createdAt), id]);
  return { rollouts: [...rows], next };
}

export const rolloutSummary = async (db: Queries, clock: Shown, id: string): Promise<RolloutSummary | undefined> =>
  (await summaries(db, clock, ofRollout(id)))[0];

export interface DeploymentsAsked extends PageAsked {
  /** Of these only, where they are named. */
  state?: DeploymentStateName | undefined;
  waves?: "begun" | "later" | undefined;
}

/** In the order of the waves. */
export async function deploymentPage(
  db: Queries,
  id: string,
  { limit, after, state, waves }: DeploymentsAsked,
  progress: Progress,
): Promise<{ deployments: Deployment[]; next: string | null }> {
  const found = await selectDeployments(db)
    .where("deployments.rolloutId", "=", id)
    .$if(state !== undefined, (q) => q.where("deployments.state", "=", state!))
    .$if(waves !== undefined, (q) =>
      q.where(
        "deployments.wave",
        waves === "begun" ? "<=" : ">",
        db.selectFrom("rollouts").select("currentWave").where("id", "=", id),
      ),
    )
    .$if(after !== undefined, (q) =>
      q.where(({ eb, refTuple, tuple }) =>
        eb(refTuple("deployments.wave", "deployments.position"), ">", tuple(after![0] as number, after![1] as number)),
      ),
    )
    .orderBy("deployments.wave")
    .orderBy("deployments.position")
    .limit(limit + 1)
    .execute();
  const { rows, next } = paged(rolloutDeployments, found, limit, ({ wave, position }) => [wave, position]);
  return { deployments: rows.map((row) => deploymentView(progress.over(row))), next };
}

/** Newest first. */
export async function decisionPage(
  db: Queries,
  id: string,
  { limit, after }: PageAsked,
): Promise<{ decisions: Decision[]; next: string | null }> {
  const found = await db
    .selectFrom("decisions")
    .select(["id", "at", "text"])
    .where("rolloutId", "=", id)
    .$if(after !== undefined, (q) => q.where("id", "<", after![0] as number))
    .orderBy("id", "desc")
    .limit(limit + 1)
    .execute();
  const { rows, next } = paged(rolloutDecisions, found, limit, (row) => [row.id]);
  return { decisions: rows.map(({ at, text }) => ({ at: iso(at), text })), next };
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
  const summary = await rolloutSummary(db, clock, id);
  if (summary === undefined) throw new ApiError("not-found", "There is no such rollout.");
  const first = { limit: membersShown, after: undefined };
  const { deployments } = await deploymentPage(db, id, first, progress);
  const { decisions } = await decisionPage(db, id, first);
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
      acceptsClaimed: row.acceptsClaimed,
    },
    deployments,
    decisions: decisions.reverse(),
    health: healthView(await loadHealth(db, row)),
  };
}
