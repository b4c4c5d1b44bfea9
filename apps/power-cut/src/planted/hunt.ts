// Looks for one planted bug: builds the modules that have it, and lets the campaign find it.

import { join } from "node:path";
import { readFileSync } from "node:fs";
import { compileWasm, patchedSource, type ModuleSpec } from "../../../agent/build/compile-module.ts";
import { agentSources, repositoryRoot } from "../../../agent/build/paths.ts";
import { memoryPages } from "../../../agent/build/targets.ts";
import { VARIANT_MODULE, variants, variantSource, withVariants } from "../../../agent/build/variants.ts";
import { Explorer } from "../campaign/explore.ts";
import { LyingChip } from "../campaign/lying-chip.ts";
import { type LoadedModules, loadModules } from "../device/modules.ts";
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

async function modulesOf(change: Pick<ModuleSpec, "patches" | "texts">): Promise<LoadedModules> {
  const of = async (name: "boot" | "agent"): Promise<Uint8Array> =>
    readFileSync(await compileWasm({ name, entry: join(agentSources, name === "boot" ? "boot/boot.ts" : "agent/main.ts"), memoryPages: memoryPages[name], ...change }));
  return loadModules(await of("boot"), await of("agent"), { unchanged: false, others: variants.imports });
}

const numberOf = (bug: PlantedBug): number => plantedBugs.indexOf(bug) + 1;

/** One build with every bug in it that changes only what functions do, and the numbers of those. */
async function buildOfAll(): Promise<{ modules: LoadedModules; has: Set<number> }> {
  const changed = new Map<string, Map<number, string>>();
  const has = new Set<number>();
  for (const bug of plantedBugs) {
    const texts = bug.patches.map(({ file }) => [file, patchedSource(file, bug.patches)!] as const);
    if (texts.some(([file, text]) => withVariants(file, readFileSync(join(repositoryRoot, file), "utf8"), new Map([[1, text]])) === undefined)) continue;
    has.add(numberOf(bug));
    for (const [file, text] of texts) changed.set(file, (changed.get(file) ?? new Map()).set(numberOf(bug), text));
  }
  const texts = new Map([...changed].map(([file, own]) => [file, withVariants(file, readFileSync(join(repositoryRoot, file), "utf8"), own)!]));
  return { modules: await modulesOf({ texts: texts.set(`${VARIANT_MODULE}.ts`, variantSource) }), has };
}

let all: ReturnType<typeof buildOfAll> | undefined;

/** The build of all bugs with none of them in force: nothing may be found of it. */
export async function huntWithoutBug(stories: string[], seed: number): Promise<Omit<Hunt, "name" | "seconds">> {
  return huntIn((await (all ??= buildOfAll())).modules, stories, stories, seed);
}

export async function hunt(bug: PlantedBug, seed: number): Promise<Hunt> {
  const began = performance.now();
  const { modules, has } = await (all ??= buildOfAll());
  const number = numberOf(bug);
  const inAny = (loaded: LoadedModules): ReturnType<typeof huntIn> => huntIn(loaded, bug.stories, undefined, seed, bug.depth, bug);
  const found = has.has(number) ? await variants.during(number, () => inAny(modules)) : await inAny(await modulesOf({ patches: bug.patches }));
  return { name: bug.name, ...found, seconds: (performance.now() - began) / 1000 };
}

/** `first`: stories that are played first, and alone where cuts are nested. `only`: these and no others. `lies`, `troubles`: these, and no cuts. */
async function huntIn(modules: LoadedModules, first: string[], only: string[] | undefined, seed: number, depth: 1 | 2 = 1, { lies, troubles }: Pick<PlantedBug, "lies" | "troubles"> = {}): Promise<Omit<Hunt, "name" | "seconds">> {
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
  const names = only ?? [...new Set([...first, ...campaign.stories.keys()])];
  for (const deep of depth === 2 ? ([1, 2] as const) : ([1] as const)) {
    for (const name of deep === 2 ? first : names) {
      const { story, start } = campaign.stories.get(name)!;
      const report = new Explorer(campaign.rig, campaign.pages, { seed, depth: deep, stopAtFirst: true }).explore(story, start);
      scenarios += report.scenarios;
      const [violation] = report.violations;
      if (violation) return { foundIn: violation.id, what: violation.what.join("; "), scenarios };
    }
  }
  return { foundIn: undefined, what: "", scenarios };
}
