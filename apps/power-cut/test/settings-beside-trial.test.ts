// Settings on worn flash while an image is on trial: the trial ends as it would have, the secret stays, an address that can't be
// stored is refused for that reason, and flash is quiet.

import { beforeAll, describe, expect, it } from "vitest";
import { openSubject } from "../src/campaign/open-subject.ts";
import { settingsBesideTrial } from "../src/campaign/settings-beside-trial.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import type { Campaign } from "../src/stories/catalogue.ts";

let campaign: Campaign;
beforeAll(async () => void (campaign = await openSubject(await subjectOfSources(), "small")), 240_000);

describe("settings that can't be stored beside a trial", () => {
  it.each(settingsBesideTrial.map((trouble) => [trouble.name, trouble] as const))("%s", (_, trouble) => {
    expect(trouble.play(campaign, 1)).toEqual([]);
  });
});
