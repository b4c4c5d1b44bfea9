// Two heartbeats torn in a row, at two pages, and both pages read as blank again: the next ones find there what they
// write themselves. The exhaustive campaign found these; the boot counter of the second was another than that of the
// torn one, so the record that the loader had acted on could read as void later, and the counter be given out twice.

import { expect, it } from "vitest";
import { parseCaseId } from "../src/campaign/case-id.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { replay } from "../src/campaign/replay.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";

const SEED = 1;
const CASES = [6, 15, 24, 33].map((operation) => `reset-pressed/${operation}.unstable.0/1.unstable.0~as-old`);

it("a heartbeat goes only over what an earlier try at the same bits has left", async () => {
  const { tested, pages, stories } = await openSubject(await subjectOfSources(), "small");
  const wrong = CASES.flatMap((id) => {
    const { story: name, steps } = parseCaseId(id);
    const { story, start } = stories.get(name)!;
    return replay(tested, pages, story, start, steps, SEED).violations.map((violation) => `${id}: ${violation}`);
  });
  expect(wrong).toEqual([]);
});
