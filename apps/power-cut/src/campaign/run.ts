// A whole campaign: all stories on all cores, and its figures.

import { plantedBugs } from "../planted/bugs.ts";
import { hunt, type Hunt } from "../planted/hunt.ts";
import type { DeepReport } from "./deep.ts";
import type { StoryReport, Violation } from "./explore.ts";
import type { Job } from "./jobs.ts";
import { openSubject } from "./open-subject.ts";
import { runJobs } from "./pool.ts";
import { Progress } from "./progress.ts";
import type { Subject } from "./subject.ts";

export interface CampaignPlan {
  subject: Subject;
  seed: number;
  /** 1: single cuts; 2: nested ones too. */
  depth: 1 | 2;
  /** With depth 2: one in so many of the first cuts is cut again. */
  nestedOneIn: number;
  deepSchedules: number;
  story: string | undefined;
  processes: number;
  budgetS: number | undefined;
}

/** What `--json` writes; flat, so that figures can be compared from run to run. */
export interface CampaignFigures {
  scenarios: number;
  distinctStates: number;
  /** Power-ups that were judged: one behind the last cut of each scenario, equal ones once executed. */
  powerUps: number;
  /** Starts of the boot loader that were executed. */
  executedBoots: number;
  bricks: number;
  violations: number;
  seconds: number;
  /** powerUps a second. */
  perSecond: number;
  executedBootsPerSecond: number;
  deepScenarios: number;
  stories: number;
  seed: number;
  plantedBugs?: number;
  plantedBugsFound?: number;
}

export interface CampaignResult {
  figures: CampaignFigures;
  stories: StoryReport[];
  deep: DeepReport[];
  violations: Violation[];
  left: Job[];
}

export async function runCampaign(plan: CampaignPlan): Promise<CampaignResult> {
  const began = performance.now();
  const { stories: all, tested } = await openSubject(plan.subject, "small");
  if (plan.story !== undefined && !all.has(plan.story))
    throw new RangeError(`there is no story ${plan.story}: one of ${[...all.keys()].join(", ")}`);
  // Longest first: the number of operations squared is a fair guess.
  const names = [...all.keys()].filter((name) => plan.story === undefined || name === plan.story);
  const operations = new Map(
    names.map((name) => [
      name,
      tested.powerUp(all.get(name)!.story, all.get(name)!.start, "as-new", plan.seed).operations,
    ]),
  );
  names.sort((a, b) => operations.get(b)! - operations.get(a)!);
  const explore: Job[] = names.map((story) => ({
    kind: "explore",
    story,
    seed: plan.seed,
    depth: plan.depth,
    ...(plan.nestedOneIn > 1 ? { slice: { index: 0, count: plan.nestedOneIn } } : {}),
  }));
  const deep: Job[] =
    plan.deepSchedules === 0
      ? []
      : names.map((story) => ({ kind: "deep", story, seed: plan.seed, schedules: plan.deepSchedules }));
  const jobs = [...explore, ...deep];

  const progress = new Progress();
  const result: CampaignResult = { figures: undefined!, stories: [], deep: [], violations: [], left: [] };
  result.left = await runJobs({
    subject: plan.subject,
    jobs,
    processes: plan.processes,
    ...(plan.budgetS === undefined ? {} : { deadlineMs: began + plan.budgetS * 1000 }),
    onProgress: ({ scenarios, jobsLeft }) =>
      progress.tell(
        jobs.length - jobsLeft,
        jobs.length,
        `${jobs.length - jobsLeft} of ${jobs.length} parts, ${scenarios} scenarios`,
      ),
    onReport: ({ kind, report }) => {
      if (kind === "explore") result.stories.push(report);
      else result.deep.push(report);
      result.violations.push(...report.violations);
    },
  });
  progress.end();
  const seconds = (performance.now() - began) / 1000;
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  const scenarios = sum(result.stories.map((each) => each.scenarios)) + sum(result.deep.map((each) => each.scenarios));
  const executedBoots =
    sum(result.stories.map((each) => each.powerUps)) + sum(result.deep.map((each) => each.powerUps));
  // A scenario's power-ups before its last cut belong to the scenarios that it goes on from; those of the deep part are
  // all its own.
  const powerUps =
    sum(result.stories.map((each) => each.scenarios + 1)) + sum(result.deep.map((each) => each.powerUps));
  result.figures = {
    scenarios,
    distinctStates: sum(result.stories.map((each) => each.distinctStates)),
    powerUps,
    executedBoots,
    bricks: sum(result.stories.map((each) => each.bricks)) + sum(result.deep.map((each) => each.bricks)),
    violations: result.violations.length,
    seconds: Math.round(seconds * 10) / 10,
    perSecond: Math.round(powerUps / seconds),
    executedBootsPerSecond: Math.round(executedBoots / seconds),
    deepScenarios: sum(result.deep.map((each) => each.scenarios)),
    stories: result.stories.length,
    seed: plan.seed,
  };
  return result;
}

/** Looks for every planted bug, one after the other: each compiles modules of its own. */
export async function huntAll(seed: number, onHunt: (hunt: Hunt) => void): Promise<Hunt[]> {
  const hunts: Hunt[] = [];
  for (const bug of plantedBugs) {
    const result = await hunt(bug, seed);
    hunts.push(result);
    onHunt(result);
  }
  return hunts;
}
