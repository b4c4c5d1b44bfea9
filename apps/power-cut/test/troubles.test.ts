// All that can go wrong beside the cuts of the exhaustive campaign, each with what must come of it
// (src/campaign/troubles.ts).

import { beforeAll, describe, expect, it } from "vitest";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import { kindsOfTrouble } from "../src/campaign/troubles.ts";
import type { Campaign } from "../src/stories/catalogue.ts";

let campaign: Campaign;
beforeAll(async () => void (campaign = await openSubject(await subjectOfSources(), "small")), 240_000);

describe.each(Object.entries(kindsOfTrouble))("%s", (_, troubles) => {
  it.each(troubles.map((trouble) => [trouble.name, trouble] as const))("%s", (_name, trouble) => {
    expect(trouble.play(campaign, 1)).toEqual([]);
  });
});
