// A candidate that nobody offered: of two images that a lost log leaves, the newer is tried. Cuts can use its tries up,
// and then the older one runs: that is a right end, but only after as many cuts.

import { expect, it } from "vitest";
import { allowedEnd } from "../src/campaign/judge.ts";
import { parseCaseId } from "../src/campaign/case-id.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { replay } from "../src/campaign/replay.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";

/** Found by the campaign, which called it "late". */
const SEED = 974072211;
const CASE = "log-lost/8.subset.2~flickering/5.complete.0~as-old/7.marginal.1~fading";

it("three cuts may use up the tries of an image that a lost log left, and two may not", async () => {
  const { tested, pages, stories } = await openSubject(await subjectOfSources(), "device");
  const { story: name, steps } = parseCaseId(CASE);
  const { story, start } = stories.get(name)!;
  const { violations, results, state } = replay(tested, pages, story, start, steps, SEED);
  expect(violations).toEqual([]);
  expect(results.at(-1)!.end).toBe("settled");
  expect(story.isTriedOut!(tested.server)).toBe(true);
  expect(allowedEnd(story, tested, { ...state, cuts: 2 }, results.at(-1)!)).toEqual([
    "invariant 3: its tries were used up by 2 cuts",
  ]);

  const earlier = replay(tested, pages, story, start, steps.slice(0, 2), SEED);
  expect(earlier.violations).toEqual([]);
  expect(story.isTriedOut!(tested.server)).toBe(false);
});
