// The tester tested: bugs that were planted are found. The deep run looks for all, here are some that show soon.

import { expect, it } from "vitest";
import { plantedBugs } from "../src/planted/bugs.ts";
import { hunt, withBug } from "../src/planted/hunt.ts";

const soon = ["stop-forgotten", "counts-drift", "one-too-many"];

it("have each its place in the server's sources", async () => {
  for (const bug of plantedBugs) await withBug(bug, async (sources) => expect(sources).toContain(bug.name));
  expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length);
});

it.each(soon)("are found: %s", { timeout: 600_000 }, async (name) => {
  const bug = plantedBugs.find((each) => each.name === name)!;
  const { isFound, text } = await hunt(bug, 1);
  expect(isFound, text).toBe(true);
});
