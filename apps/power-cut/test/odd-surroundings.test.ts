// Slow links, servers that do odd things or are away, flash that can't be read, hours: no power is cut, and each has its end.

import { beforeAll, describe, expect, it } from "vitest";
import { badReads } from "../src/campaign/bad-reads.ts";
import { oddServers } from "../src/campaign/odd-servers.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { slowLinks } from "../src/campaign/slow-links.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import type { Campaign } from "../src/stories/catalogue.ts";

let campaign: Campaign;
beforeAll(async () => void (campaign = await openSubject(await subjectOfSources(), "small")), 240_000);

describe.each([["links", slowLinks], ["servers", oddServers], ["reads", badReads]] as const)("odd %s", (_, troubles) => {
  it.each(troubles.map((trouble) => [trouble.name, trouble] as const))("%s", (_name, trouble) => {
    expect(trouble.play(campaign, 1)).toEqual([]);
  });
});
