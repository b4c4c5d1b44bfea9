// A rehearsal's numbers in sentences.

import { spanText } from "@flipside/api/span-text";
import { expect, it } from "vitest";
import type { RehearsedWorld } from "@flipside/api/types";
import { conclusionOf, supposedText } from "../src/rollout/words.ts";

const minuteMs = 60_000;
const spread = (p10: number, p90 = p10) => ({ p10, p50: p10, p90 });
const devices = {
  ...{ updated: spread(9), harmed: spread(0), rolledBack: spread(0) },
  ...{ failed: spread(0), unreached: spread(0) },
};
const gate: RehearsedWorld["gates"][number] = {
  ...{ state: "paused", wave: 0, runs: 5, reason: "paused automatically", at: spread(12 * minuteMs) },
  ...{ exposed: spread(2), harmed: spread(2) },
};
const world = { kind: "good" as const, supposed: "the image is good", duration: null, ends: [], gates: [], devices };

it.each([
  [400, "1 s"],
  [59_000, "59 s"],
  [90_000, "2 min"],
  [3_600_000, "1 h"],
  [190 * minuteMs, "3 h 10 min"],
  [24 * 60 * minuteMs - 1, "24 h"],
  [49 * 60 * minuteMs, "2 d 1 h"],
])("%i ms are %s", (ms, text) => expect(spanText(ms)).toBe(text));

it.each<[string, Parameters<typeof conclusionOf>[0]]>([
  [
    "If the image is good: it is done in 3 h 10 min to 4 h.",
    { ...world, duration: spread(190 * minuteMs, 240 * minuteMs), ends: [{ state: "completed", runs: 5 }] },
  ],
  [
    "If the image is good: it is done in 1 h; 0 to 1 devices away all the time.",
    {
      ...{ ...world, duration: spread(60 * minuteMs), ends: [{ state: "completed", runs: 5 }] },
      devices: { ...devices, unreached: spread(0, 1) },
    },
  ],
  [
    "If 20 %: wave 1 pauses it after 12 min; 2 devices had it.",
    { ...world, kind: "bad", supposed: "20 %", ends: [{ state: "paused", runs: 5 }], gates: [gate] },
  ],
  [
    "If 20 %: in 3 of 5 runs wave 2 rolls it back after 12 min; 5 to 8 devices had it, and it is bad on 1 to 3 of " +
      "these; in 2 of 5 runs no gate stops it, and it is done; 1 to 3 devices got an image that is bad on them.",
    {
      ...{ ...world, kind: "bad", supposed: "20 %", duration: null },
      ends: [
        { state: "rolled-back", runs: 3 },
        { state: "completed", runs: 2 },
      ],
      gates: [{ ...gate, state: "rolled-back", wave: 1, runs: 3, exposed: spread(5, 8), harmed: spread(1, 3) }],
      devices: { ...devices, harmed: spread(1, 3) },
    },
  ],
  [
    "If the image is good: wave 1 aborts it after 12 min; 2 devices had it.",
    { ...world, ends: [{ state: "cancelled", runs: 5 }], gates: [{ ...gate, state: "cancelled", harmed: spread(0) }] },
  ],
  ["If the image is good: it is not over after 40 days.", { ...world, ends: [{ state: "running", runs: 5 }] }],
])("%s", (text, each) => expect(conclusionOf(each)).toBe(text));

it("what is supposed is said with its numbers", () => {
  const asked = {
    bad: { percent: 12.5, code: "crashed" as const, hardware: "virt-rv32" },
    late: { percent: 20, crashEveryMs: 30 * minuteMs },
  };
  expect(supposedText("good", asked)).toBe("the image is good");
  expect(supposedText("bad", asked)).toBe("on 12.5 % of devices of virt-rv32 the image fails its trial (crashed)");
  expect(supposedText("late", asked)).toBe("on 20 % of devices the image crashes every 30 min after it was confirmed");
});
