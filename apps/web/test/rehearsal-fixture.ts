// A rehearsal as the server would send it, for tests.

import type { Rehearsal, RehearsedWorld } from "@flipside/api/types";

const spread = (p10: number, p50 = p10, p90 = p50) => ({ p10, p50, p90 });
const minuteMs = 60_000;

const worlds: RehearsedWorld[] = [
  {
    ...{ kind: "good", supposed: "the image is good" },
    conclusion: "If the image is good: it is done in 3 h 10 min to 4 h.",
    duration: spread(190 * minuteMs, 210 * minuteMs, 240 * minuteMs),
    ends: [{ state: "completed", runs: 5 }],
    waves: [
      { index: 0, total: 1, starts: spread(0), ends: spread(60 * minuteMs, 61 * minuteMs, 62 * minuteMs) },
      {
        index: 1,
        total: 499,
        starts: spread(60 * minuteMs),
        ends: spread(190 * minuteMs, 210 * minuteMs, 240 * minuteMs),
      },
    ],
    gates: [],
    devices: {
      ...{ updated: spread(480, 490, 500), harmed: spread(0), rolledBack: spread(0), failed: spread(0) },
      unreached: spread(0, 10, 20),
    },
  },
  {
    ...{ kind: "bad", supposed: "on 20 % of devices the image fails its trial (app-unhealthy)" },
    conclusion:
      "If on 20 % of devices the image fails its trial (app-unhealthy): wave 1 pauses it after 12 min; 2 devices had it.",
    duration: spread(12 * minuteMs),
    ends: [{ state: "paused", runs: 5 }],
    waves: [
      { index: 0, total: 1, starts: spread(0), ends: null },
      { index: 1, total: 499, starts: null, ends: null },
    ],
    gates: [
      {
        ...{
          state: "paused",
          wave: 0,
          runs: 5,
          at: spread(12 * minuteMs),
          exposed: spread(2),
          harmed: spread(2),
        },
        reason: "paused automatically: 2 of 2 finished deployments of wave 1 failed (100 %, more than 50 %)",
      },
    ],
    devices: {
      ...{ updated: spread(0), harmed: spread(2), rolledBack: spread(2), failed: spread(0) },
      unreached: spread(498),
    },
  },
];

/** One that is done, with a good world and a bad one. */
export function rehearsal(changes: Partial<Rehearsal> = {}): Rehearsal {
  return {
    ...{ id: "rehearsal-1", name: "flipside-demo 1.1.0", releaseId: "rel-2", state: "done", seed: 7 },
    ...{ progress: { done: 10, total: 10 }, failure: null, createdBy: "admin", scope: null },
    ...{ createdAt: "2026-01-01T00:00:00.000Z", finishedAt: "2026-01-01T00:01:00.000Z" },
    answer: {
      runs: 5,
      modelDigest: "5c".repeat(32),
      modelledAt: "2026-01-01T00:00:00.000Z",
      fleet: {
        ...{
          devices: 500,
          simulated: 120,
          online: 111,
          onlineByHour: null,
          bytesPerSecond: spread(5_000, 60_000, 90_000),
        },
        ...{ kinds: [], aroundMs: 20_000, outcomes: 12, failures: [], crashesPerDeviceDay: 0 },
      },
      assumptions: ["The log of 3 of 5 simulated devices covers a day or more.", "People's words are not played."],
      worlds,
    },
    ...changes,
  };
}
