// The tester is tested: each planted bug is found, and by a case that can be replayed.

import { describe, expect, it } from "vitest";
import { plantedBugs } from "../src/planted/bugs.ts";
import { hunt, huntWithoutBug } from "../src/planted/hunt.ts";

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
