// Looks for one planted bug: builds the modules that have it, and lets the campaign find it.

import { join } from "node:path";
import { readFileSync } from "node:fs";
import { compileWasm } from "../../../agent/build/compile-module.ts";
import { agentSources } from "../../../agent/build/paths.ts";
import { memoryPages } from "../../../agent/build/targets.ts";
import { Explorer } from "../campaign/explore.ts";
import { loadModules } from "../device/modules.ts";
import { type Campaign, openCampaign, StoryFails } from "../stories/catalogue.ts";
import type { PlantedBug } from "./bugs.ts";

export interface Hunt {
  name: string;
  /** The case that shows it, or the story that does not even go well without cuts; undefined: not found. */
  foundIn: string | undefined;
  what: string;
  scenarios: number;
  seconds: number;
}

export async function hunt(bug: PlantedBug, seed: number): Promise<Hunt> {
  const began = performance.now();
  const of = async (name: "boot" | "agent"): Promise<Uint8Array> =>
    readFileSync(await compileWasm({ name, entry: join(agentSources, name === "boot" ? "boot/boot.ts" : "agent/main.ts"), memoryPages: memoryPages[name], patches: bug.patches }));
  const modules = loadModules(await of("boot"), await of("agent"), { unchanged: false });
  let scenarios = 0;
  const found = (foundIn: string | undefined, what: string): Hunt => ({ name: bug.name, foundIn, what, scenarios, seconds: (performance.now() - began) / 1000 });

  let campaign: Campaign;
  try {
    campaign = await openCampaign({ modules });
  } catch (error) {
    if (error instanceof StoryFails) return found(error.story, error.what);
    throw error;
  }
  const names = [...new Set([...bug.stories, ...campaign.stories.keys()])];
  for (const depth of bug.depth === 2 ? ([1, 2] as const) : ([1] as const)) {
    for (const name of depth === 2 ? bug.stories : names) {
      const { story, start } = campaign.stories.get(name)!;
      const report = new Explorer(campaign.rig, campaign.pages, { seed, depth, stopAtFirst: true }).explore(story, start);
      scenarios += report.scenarios;
      const [violation] = report.violations;
      if (violation) return found(violation.id, violation.what.join("; "));
    }
  }
  return found(undefined, "");
}
