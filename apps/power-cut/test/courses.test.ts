// What each story does without cuts, written down operation by operation in courses.json: an erase too many, a record
// that says something else, or a check-in that does. Whoever changes it on purpose looks at the difference and writes
// it anew: FLIPSIDE_WRITE_COURSES=1 npm test -- apps/power-cut/test/courses.test.ts

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type WholeCourse, wholeCourseOf } from "../src/campaign/agree.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";

const path = fileURLToPath(new URL("courses.json", import.meta.url));

describe("a story without power cuts", () => {
  it("does to the flash, and says in the end, what is written down", { timeout: 120_000 }, async () => {
    const campaign = await openSubject(await subjectOfSources(), "small");
    const courses = Object.fromEntries(
      [...campaign.stories.keys()].map((name) => [name, wholeCourseOf(campaign, name, 1)!]),
    );
    if (process.env.FLIPSIDE_WRITE_COURSES === "1" || !existsSync(path))
      writeFileSync(path, `${JSON.stringify(courses, undefined, 1)}\n`);
    const written = JSON.parse(readFileSync(path, "utf8")) as Record<string, WholeCourse>;
    expect(Object.keys(courses)).toEqual(Object.keys(written));
    for (const [name, course] of Object.entries(courses))
      expect(
        JSON.parse(JSON.stringify(course)),
        `${name}: if this is meant, write courses.json anew (${path.split("/").slice(-4).join("/")})`,
      ).toEqual(written[name]);
  });
});
