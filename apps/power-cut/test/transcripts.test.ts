// What the device does in those cases that tell small bugs best, written down by the digest of each transcript: an
// operation, a word or a second that differs is noticed. Whoever changes it on purpose looks at what `npm run power-cut
// -- --case ID` says before and after, and writes it anew: FLIPSIDE_WRITE_COURSES=1 npm test --
// apps/power-cut/test/transcripts.test.ts

import { describe, expect, it } from "vitest";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import { transcriptOf } from "../src/campaign/transcripts.ts";
import { writeTranscripts, writtenTranscripts } from "./written-transcripts.ts";

describe("the device", () => {
  it("does behind each of these cases what is written down", { timeout: 120_000 }, async () => {
    const campaign = await openSubject(await subjectOfSources(), "small");
    const written = writtenTranscripts();
    const now = Object.fromEntries(Object.keys(written).map((id) => [id, transcriptOf(campaign, id, 1)]));
    if (process.env.FLIPSIDE_WRITE_COURSES === "1")
      return writeTranscripts(Object.fromEntries(Object.entries(now).map(([id, { digest }]) => [id, digest])));
    expect(Object.keys(written).length).toBeGreaterThan(50);
    const others = Object.entries(now).filter(([id, { digest }]) => digest !== written[id]);
    expect(
      others.slice(0, 5).map(([id, { steps }]) => `${id}: ${steps.join("\n  ")}`),
      `${others.length} of ${Object.keys(written).length} cases go otherwise; if this is meant, see the first lines of this file`,
    ).toEqual([]);
  });
});
