// The tester is tested: each planted bug is found, and by a case that can be replayed.

import { describe, expect, it } from "vitest";
import { plantedBugs } from "../src/planted/bugs.ts";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { Explorer } from "../src/campaign/explore.ts";
import { hunt, huntWithoutBug, withBug } from "../src/planted/hunt.ts";
import { openCampaign, StoryFails } from "../src/stories/catalogue.ts";

describe("the campaign finds", () => {
  it.each(plantedBugs.map((bug) => [bug.what, bug] as const))("%s", { timeout: 300_000 }, async (_, bug) => {
    const { foundIn, what } = await hunt(bug, 1);
    expect(foundIn, `${bug.name} was not found: a hole in the campaign`).toBeDefined();
    console.log(`${bug.name}: ${foundIn}: ${what.slice(0, 120)}`);
  });

  it("nothing where none of them is in force", { timeout: 300_000 }, async () => {
    expect((await huntWithoutBug(["first-update", "crash-falls-back", "log-turns-over"], 1)).foundIn).toBeUndefined();
  });
});

describe("what is not executed because it is known", () => {
  const seed = seedOfRun();
  console.log(`shortcuts: FLIPSIDE_SEED=${seed}`);

  // Bugs of boot control, since it is its pages whose bits are left unstable.
  it.each(
    plantedBugs
      .filter(({ patches, lies, troubles }) => !lies && !troubles && patches.some(({ file }) => file.includes("/boot")))
      .map((bug) => [bug.name, bug] as const),
  )("hides nothing of %s", { timeout: 120_000 }, async (_, bug) => {
    await withBug(bug, async (modules) => {
      let campaign;
      try {
        campaign = await openCampaign({ modules });
      } catch (error) {
        if (error instanceof StoryFails) return;
        throw error;
      }
      const { tested, pages, stories } = campaign;
      for (const name of new Set([bug.stories?.[0] ?? "first-update", "log-turns-over"])) {
        const entry = stories.get(name)!;
        // How unstable bits read in the end does not count: of ways that are one, one is named.
        const found = (withoutShortcuts: boolean): { violations: string[]; scenarios: number } => {
          const { violations, scenarios } = new Explorer(tested, pages, {
            seed,
            depth: 2,
            slice: { index: 0, count: 400 },
            withoutShortcuts,
          }).explore(entry.story, entry.start);
          return {
            violations: [
              ...new Set(violations.map(({ id, what }) => `${id.replace(/~[a-z-]+$/, "")} ${what.join("; ")}`)),
            ].sort(),
            scenarios,
          };
        };
        const [all, few] = [found(true), found(false)];
        expect(few.violations, name).toEqual(all.violations);
        console.log(`${bug.name}, ${name}: ${all.violations.length} violations`);
      }
    });
  });
});
