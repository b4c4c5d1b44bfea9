// Flash that fails for a while: what is tried again, how often, and what comes of it when that is not enough.

import { beforeAll, describe, expect, it } from "vitest";
import { troubles } from "../src/campaign/flash-trouble.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import type { Campaign } from "../src/stories/catalogue.ts";

let campaign: Campaign;
beforeAll(async () => void (campaign = await openSubject(await subjectOfSources(), "small")), 240_000);

describe("flash that fails for a while", () => {
  it.each(troubles.map((trouble) => [trouble.name, trouble] as const))("%s", (_, trouble) => {
    expect(trouble.play(campaign, 1)).toEqual([]);
  });
});
