// A chip that says done and does not hold, below boot loader and agent, in each story: no brick, nothing that is not
// whole is started, and the update ends truthfully. Which lies are told, the seed chooses; FLIPSIDE_LIES=N tells one in
// so many of all.

import { beforeAll, describe, expect, it } from "vitest";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { LyingChip } from "../src/campaign/lying-chip.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import type { Campaign } from "../src/stories/catalogue.ts";

const seed = seedOfRun();
const oneIn = Number(process.env.FLIPSIDE_LIES ?? 2000);
console.log(`lying chip: FLIPSIDE_SEED=${seed}`);

let campaign: Campaign;
beforeAll(async () => void (campaign = await openSubject(await subjectOfSources(), "small")), 240_000);

describe("a device whose flash says done and does not hold", () => {
  it("boots an image that it may, and ends its update", { timeout: 3_600_000 }, () => {
    const chip = new LyingChip(campaign, { seed, oneIn });
    const reports = [...campaign.stories.keys()].map((name) => chip.explore(name));
    const lies = reports.reduce((sum, each) => sum + each.lies, 0);
    console.log(`${lies} lies in ${reports.length} stories`);
    expect(reports.flatMap(({ violations }) => violations).slice(0, 5)).toEqual([]);
    expect(lies).toBeGreaterThan(0);
  });
});
