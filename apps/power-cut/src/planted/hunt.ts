// Looks for one planted bug: builds the modules that have it, and lets the campaign find it.

import { join } from "node:path";
import { readFileSync } from "node:fs";
import { patchedSource } from "../../../agent/build/compile-module.ts";
import { repositoryRoot } from "../../../agent/build/paths.ts";
import {
  changesOnlyFunctions,
  VARIANT_MODULE,
  variants,
  variantSource,
  withVariants,
} from "../../../agent/build/variants.ts";
import { Explorer } from "../campaign/explore.ts";
import { LyingChip } from "../campaign/lying-chip.ts";
import { compileChanged } from "../campaign/subject.ts";
import type { LoadedModules } from "../device/loaded-modules.ts";
import { loadModules } from "../device/modules.ts";
import { type Campaign, openCampaign, StoryFails } from "../stories/catalogue.ts";
import { type PlantedBug, plantedBugs } from "./bugs.ts";

export interface Hunt {
  name: string;
  /** The case that shows it, or the story that does not even go well without cuts; undefined: not found. */
  foundIn: string | undefined;
  what: string;
  scenarios: number;
  seconds: number;
}

async function modulesOf(change: Parameters<typeof compileChanged>[0]): Promise<LoadedModules> {
  const { boot, agent } = await compileChanged(change);
  return loadModules(boot, agent, { unchanged: false, others: variants.imports });
}

const numberOf = (bug: PlantedBug): number => plantedBugs.indexOf(bug) + 1;

/** One build with every bug in it that changes only what functions do, and the numbers of those. */
async function buildOfAll(): Promise<{ modules: LoadedModules; has: Set<number> }> {
  const sourceOf = (file: string): string => readFileSync(join(repositoryRoot, file), "utf8");
  const changed = new Map<string, Map<number, string>>();
  const has = new Set<number>();
  for (const bug of plantedBugs) {
    const texts = new Map(bug.patches.map(({ file }) => [file, patchedSource(file, bug.patches)!]));
    if (![...texts].every(([file, text]) => changesOnlyFunctions(sourceOf(file), text))) continue;
    has.add(numberOf(bug));
    for (const [file, text] of texts) changed.set(file, (changed.get(file) ?? new Map()).set(numberOf(bug), text));
  }
  const texts = new Map([...changed].map(([file, own]) => [file, withVariants(file, sourceOf(file), own)]));
  return { modules: await modulesOf({ texts: texts.set(`${VARIANT_MODULE}.ts`, variantSource) }), has };
}

let all: ReturnType<typeof buildOfAll> | undefined;
const builtOnce = (): ReturnType<typeof buildOfAll> => (all ??= buildOfAll());

/** The build of all bugs with none of them in force: nothing may be found of it. */
export async function huntWithoutBug(stories: string[], seed: number): Promise<Omit<Hunt, "name" | "seconds">> {
  return huntIn((await builtOnce()).modules, seed, { only: stories });
}

export async function hunt(bug: PlantedBug, seed: number): Promise<Hunt> {
  const began = performance.now();
  return withBug(bug, async (modules) => ({
    name: bug.name,
    ...(await huntIn(modules, seed, bug)),
    seconds: (performance.now() - began) / 1000,
  }));
}

/** While `what` goes on, modules that have the bug. */
export async function withBug<T>(bug: PlantedBug, what: (modules: LoadedModules) => Promise<T>): Promise<T> {
  const { modules, has } = await builtOnce();
  const isSwitched = has.has(numberOf(bug));
  const own = isSwitched ? modules : await modulesOf({ patches: bug.patches });
  variants.running = isSwitched ? numberOf(bug) : 0;
  try {
    return await what(own);
  } finally {
    variants.running = 0;
  }
}

interface Where extends Partial<Pick<PlantedBug, "stories" | "depth" | "lies" | "troubles">> {
  /** These stories, and no others. */
  only?: string[];
}

/** `stories` first, and with nested cuts these alone. Where lies or troubles are told, these and no cuts. */
async function huntIn(
  modules: LoadedModules,
  seed: number,
  { stories = [], only, depth, lies, troubles }: Where,
): Promise<Omit<Hunt, "name" | "seconds">> {
  let scenarios = 0;
  let campaign: Campaign;
  try {
    campaign = await openCampaign({ modules });
  } catch (error) {
    if (error instanceof StoryFails) return { foundIn: error.story, what: error.what, scenarios };
    throw error;
  }
  for (const { story, ...about } of lies ?? []) {
    const report = new LyingChip(campaign, { seed, oneIn: 1, stopAtFirst: true, ...about }).explore(story);
    scenarios += report.lies;
    const [violation] = report.violations;
    if (violation) return { foundIn: violation.id, what: violation.what.join("; "), scenarios };
  }
  for (const { name, play } of troubles ?? []) {
    scenarios++;
    const [what] = play(campaign, seed);
    if (what !== undefined) return { foundIn: name, what, scenarios };
  }
  if (lies || troubles) return { foundIn: undefined, what: "", scenarios };
  const rounds: { depth: 1 | 2; names: string[] }[] = [
    { depth: 1, names: only ?? [...new Set([...stories, ...campaign.stories.keys()])] },
  ];
  if (depth === 2) rounds.push({ depth, names: stories });
  for (const round of rounds) {
    for (const name of round.names) {
      const { story, start } = campaign.stories.get(name)!;
      const report = new Explorer(campaign.tested, campaign.pages, {
        seed,
        depth: round.depth,
        stopAtFirst: true,
      }).explore(story, start);
      scenarios += report.scenarios;
      const [violation] = report.violations;
      if (violation) return { foundIn: violation.id, what: violation.what.join("; "), scenarios };
    }
  }
  return { foundIn: undefined, what: "", scenarios };
}
