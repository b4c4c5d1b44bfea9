// The campaign as `npm test` runs it: every single cut of every story, one in many of the nested ones, and schedules of
// many cuts. The whole of it is `npm run power-cut -- --exhaustive`.

import { describe, expect, it } from "vitest";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { runCampaign } from "../src/campaign/run.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";

const seed = seedOfRun();
console.log(`power cuts: FLIPSIDE_SEED=${seed}`);

describe("a device whose power is cut at every flash operation, in every way", () => {
  it("boots an image that it may, ends the update, and keeps its invariants", { timeout: 600_000 }, async () => {
    // The first cuts that are cut again change with the seed's own torn contents; their number does not.
    const { figures, violations, left } = await runCampaign({
      subject: await subjectOfSources(),
      seed,
      depth: 2,
      nestedOneIn: 40,
      deepSchedules: 60,
      story: undefined,
      processes: 1,
      budgetS: undefined,
    });
    console.log(JSON.stringify(figures));
    expect(
      violations
        .slice(0, 5)
        .map(({ id, what }) => `npm run power-cut -- --seed ${seed} --case ${id}: ${what.join("; ")}`),
    ).toEqual([]);
    expect(figures.bricks).toBe(0);
    expect(left).toEqual([]);
    expect(figures.scenarios).toBeGreaterThan(150_000);
    expect(figures.stories).toBeGreaterThan(25);
  });
});
