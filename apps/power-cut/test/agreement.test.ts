// The fast campaign differs from what ships in two things: crypto is remembered, and the flash is small. Both are
// compared with the shipped modules, unchanged, at the device's own geometry.

import { beforeAll, describe, expect, it } from "vitest";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { type Course, courseOf, sampleCases } from "../src/campaign/agree.ts";
import type { CaseStep } from "../src/campaign/case-id.ts";
import { readSubject, subjectOfSources } from "../src/campaign/subject.ts";
import { loadModules } from "../src/device/modules.ts";
import { type Campaign, openCampaign } from "../src/stories/catalogue.ts";

const CASES = 300;
/**
 * A torn bit was drawn from its offset in the flash, from how many were read before, or flickered: legal cases, not the
 * same.
 */
const SEEDS_WITH_OTHER_BITS_ONCE = [706468377, 1302591387, 4020695695, 1620687303];
/** One payload sector on both flashes, so that both do the same operations. */
const PAYLOAD_BYTES = 10 * 1024;

const seed = seedOfRun();
console.log(`agreement: FLIPSIDE_SEED=${seed}`);
let small: Campaign;
let remembered: Campaign;
let shipped: Campaign;

beforeAll(async () => {
  const { boot, agent } = readSubject(await subjectOfSources());
  small = await openCampaign({ modules: loadModules(boot, agent, { unchanged: false }), payloadBytes: PAYLOAD_BYTES });
  remembered = await openCampaign({
    modules: loadModules(boot, agent, { unchanged: false }),
    layout: unikernelLayout,
    payloadBytes: PAYLOAD_BYTES,
  });
  shipped = await openCampaign({
    modules: loadModules(boot, agent, { unchanged: true }),
    layout: unikernelLayout,
    payloadBytes: PAYLOAD_BYTES,
  });
}, 120_000);

/**
 * The boot counter goes with the page of the log, and the small log turns over more often: a record's bytes differ, so
 * one to three bits of it lie elsewhere. That matters where each read of them is drawn anew, by their place.
 */
const meansOtherBits = (steps: readonly CaseStep[]): boolean =>
  steps.some(({ cut, reading }) => cut.startsWith("marginal") && reading === "flickering");

const decisionsOf = ({ decisions, outcome, violations, record }: Course): object => ({
  decisions,
  outcome,
  violations,
  record,
});

describe("the shipped modules, unchanged and at the device's own geometry", () => {
  it("do the same operations and decide the same in each story", () => {
    for (const story of shipped.stories.keys()) {
      const course = courseOf(shipped, story, [], seed);
      expect(course.operations.length).toBeGreaterThan(1);
      expect(course, story).toEqual(courseOf(remembered, story, [], seed));
    }
  });

  it("agree case by case with remembered crypto", { timeout: 300_000 }, () => {
    for (const { story, steps, id } of sampleCases(shipped, CASES, seed)) {
      const course = courseOf(shipped, story, steps, seed);
      expect(course, id).toEqual(courseOf(remembered, story, steps, seed));
      expect(course.violations, id).toEqual([]);
    }
  });

  // Unstable and torn bits are drawn by zone, page and place in the page: a case means the same bits on both.
  it.each([seed, ...SEEDS_WITH_OTHER_BITS_ONCE])(
    "agree case by case with the small flash (seed %i)",
    { timeout: 300_000 },
    (drawnFrom) => {
      // Where the small log's sector is full in between, an operation has another number there.
      const alike = new Set(
        [...remembered.stories.keys()].filter(
          (story) =>
            courseOf(remembered, story, [], drawnFrom).operations.join() ===
            courseOf(small, story, [], drawnFrom).operations.join(),
        ),
      );
      expect(alike.size).toBeGreaterThanOrEqual(15);
      const cases = sampleCases(remembered, CASES, drawnFrom).filter(({ story }) => alike.has(story));
      for (const { story, steps, id } of cases) {
        const [onDevice, onSmall] = [
          courseOf(remembered, story, steps, drawnFrom),
          courseOf(small, story, steps, drawnFrom),
        ];
        if (!meansOtherBits(steps)) expect(decisionsOf(onDevice), id).toEqual(decisionsOf(onSmall));
        expect([onDevice.violations, onSmall.violations], id).toEqual([[], []]);
      }
      expect(cases.filter(({ steps }) => !meansOtherBits(steps)).length).toBeGreaterThan(0.9 * cases.length);
    },
  );
});
