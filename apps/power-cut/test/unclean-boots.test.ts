// How the loader counts runs that ended uncleanly, reason by reason.

import { beforeAll, describe, expect, it } from "vitest";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import { uncleanBoots } from "../src/campaign/unclean-boots.ts";
import type { Campaign } from "../src/stories/catalogue.ts";

let campaign: Campaign;
beforeAll(async () => void (campaign = await openSubject(await subjectOfSources(), "small")), 240_000);

describe("runs that ended uncleanly", () => {
  it.each(uncleanBoots.map((each) => [each.name, each] as const))("%s", (_, each) => {
    expect(each.play(campaign, 1)).toEqual([]);
  });
});
