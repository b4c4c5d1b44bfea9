import { deploymentStateNames } from "@flipside/image-format/state-names";
import { describe, expect, it } from "vitest";
import { waveSpec } from "../src/resources/rollout-rules.ts";
import {
  countInto,
  currentWave,
  deploymentPart,
  downloadedPart,
  emptyTally,
  failedPercent,
  failuresOf,
  noCounts,
  outcomeCounts,
  outcomeOf,
  succeededPercent,
  waveProblem,
  watchedWave,
  dealtInWaves,
  laterWaveSizes,
  waveSizes,
  waveStateOf,
  wholePercent,
} from "../src/rollout-arithmetic.ts";
import type { WaveSpec, WaveState } from "../src/types.ts";

const seed = Number(process.env["FLIPSIDE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** mulberry32: small, seeded, good enough to vary cases. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe(`the sizes of waves (FLIPSIDE_SEED=${seed})`, () => {
  it("are the given ones and the rest", () => {
    expect(waveSizes([{ count: 1 }, { percent: 20 }], 100)).toEqual([1, 19, 80]);
    expect(waveSizes([{ percent: 10 }, { percent: 50 }], 10)).toEqual([1, 4, 5]);
  });

  it("are one wave of all devices when none is given", () => {
    expect(waveSizes([], 7)).toEqual([7]);
  });

  it("have no rest when the given waves take everything", () => {
    expect(waveSizes([{ percent: 50 }, { percent: 100 }], 10)).toEqual([5, 5]);
    expect(waveSizes([{ percent: 5 }, { percent: 25 }, { percent: 100 }], 200)).toEqual([10, 40, 150]);
    expect(waveSizes([{ percent: 50 }, { percent: 20 }], 10)).toEqual([5, 0, 5]);
  });

  it("round a percentage up, so that a small wave of a small fleet is not empty", () => {
    expect(waveSizes([{ percent: 1 }], 10)).toEqual([1, 9]);
  });

  it("never take more than is left, and keep an empty wave in its place", () => {
    expect(waveSizes([{ count: 8 }, { count: 8 }, { percent: 10 }], 10)).toEqual([8, 2, 0]);
  });

  it("are filled from those that a wave's filter means, where it has one", () => {
    const numbers = Array.from({ length: 10 }, (_, i) => i);
    const dealt = (specs: WaveSpec[]) =>
      dealtInWaves(specs, numbers, (wave, number) => {
        const spec = specs[wave]!;
        return number % Number("filter" in spec ? spec.filter : 1) === 0;
      });
    expect(dealt([{ filter: "3" }])).toEqual([
      [0, 3, 6, 9],
      [1, 2, 4, 5, 7, 8],
    ]);
    expect(dealt([{ count: 2, filter: "3" }, { filter: "2" }])).toEqual([
      [0, 3],
      [2, 4, 6, 8],
      [1, 5, 7, 9],
    ]);
    // A percentage is of all, with those that a filter has taken; a filter takes of those that are left.
    expect(dealt([{ filter: "5" }, { percent: 50 }, { filter: "2" }])).toEqual([
      [0, 5],
      [1, 2, 3],
      [4, 6, 8],
      [7, 9],
    ]);
    expect(dealt([{ filter: "11" }, { filter: "11" }, { percent: 100 }])).toEqual([[0], [], numbers.slice(1)]);
  });

  it("are those of waves that have not begun, percentages of the whole, too", () => {
    expect(laterWaveSizes([], { total: 10, begun: 4 })).toEqual([6]);
    expect(laterWaveSizes([{ count: 1 }, { percent: 80 }], { total: 10, begun: 4 })).toEqual([1, 3, 2]);
    expect(laterWaveSizes([{ percent: 40 }, { count: 9 }, { count: 1 }], { total: 10, begun: 4 })).toEqual([0, 6, 0]);
    expect(laterWaveSizes([], { total: 4, begun: 4 })).toEqual([]);
  });

  it("add up to the whole target, whatever is asked for", () => {
    const next = random(seed);
    for (let i = 0; i < 2_000; i++) {
      const total = Math.floor(next() * 5_000);
      const specs = Array.from(
        { length: Math.floor(next() * 6) },
        (): WaveSpec => (next() < 0.5 ? { percent: next() * 100 } : { count: 1 + Math.floor(next() * 2_000) }),
      );
      const sizes = waveSizes(specs, total);
      const sum = sizes.reduce((all, size) => all + size, 0);
      expect(sum, `FLIPSIDE_SEED=${seed}, case ${i}`).toBe(total);
      expect(
        sizes.every((size) => Number.isInteger(size) && size >= 0),
        `FLIPSIDE_SEED=${seed}, case ${i}`,
      ).toBe(true);
    }
  });

  it("are refused as typed when they are no number, zero, negative, broken or above 100 %", () => {
    for (const spec of [
      { percent: Number.NaN },
      { percent: 0 },
      { percent: 101 },
      { percent: -1 },
      { count: 0 },
      { count: 1.5 },
      { count: Number.NaN },
    ]) {
      expect(waveProblem(spec), JSON.stringify(spec)).toBeTypeOf("string");
    }
    expect(waveProblem({ percent: 0.5 })).toBeUndefined();
    expect(waveProblem({ count: 3 })).toBeUndefined();
  });

  it("are refused as typed exactly when the request would be refused", () => {
    const numbers = [
      Number.NaN,
      Infinity,
      -Infinity,
      -1,
      0,
      0.5,
      1,
      1.5,
      99.9,
      100,
      100.5,
      101,
      999_999,
      1_000_000,
      1_000_001,
    ];
    for (const spec of numbers.flatMap((number) => [{ percent: number }, { count: number }])) {
      expect([spec, waveProblem(spec) === undefined]).toEqual([spec, waveSpec.safeParse(spec).success]);
    }
  });
});

describe("the progress of a deployment", () => {
  it("never shows more in an earlier state than in a later one", () => {
    const way = deploymentStateNames.slice(0, deploymentStateNames.indexOf("confirmed") + 1);
    const ends = way.flatMap((state) => [
      deploymentPart({ state, done: 0, total: 32 })!,
      deploymentPart({ state, done: 32, total: 32 })!,
    ]);
    expect(ends).toEqual([...ends].sort((one, two) => one - two));
    expect(ends[0]).toBe(0);
    expect(ends.at(-1)).toBe(1);
  });

  it("is no part of anything once it ended without success", () => {
    for (const state of ["failed", "rolled-back", "cancelled", "timed-out", "rejected"] as const) {
      expect(deploymentPart({ state, done: 32, total: 32 })).toBeUndefined();
    }
  });

  it("grows with every chunk of the download, and holds against a count that makes no sense", () => {
    expect(deploymentPart({ state: "downloading", done: 5, total: 32 })).toBeGreaterThan(
      deploymentPart({ state: "downloading", done: 4, total: 32 })!,
    );
    expect(downloadedPart({ done: 3, total: 0 })).toBe(0);
    expect(downloadedPart({ done: 40, total: 32 })).toBe(1);
  });
});

describe("the progress of a rollout", () => {
  it("says 100 % only when every device is confirmed", () => {
    expect(succeededPercent({ counts: { ...noCounts(), confirmed: 999, queued: 1 }, total: 1000 })).toBe(99);
    expect(succeededPercent({ counts: { ...noCounts(), confirmed: 1000 }, total: 1000 })).toBe(100);
  });

  it("says more than 0 % as soon as one device is confirmed", () => {
    expect(wholePercent(1, 100_000)).toBe(1);
    expect(wholePercent(0, 100_000)).toBe(0);
    expect(wholePercent(0, 0)).toBe(0);
  });

  it("counts every state into exactly one group", () => {
    const counts = { ...noCounts() };
    for (const state of deploymentStateNames) counts[state] = 1;
    const sums = outcomeCounts(counts);
    expect(Object.values(sums).reduce((all, each) => all + each, 0)).toBe(deploymentStateNames.length);
    expect(sums.succeeded).toBe(1);
  });

  it("counts a device that was withdrawn neither as updated nor as failed", () => {
    expect(outcomeOf("cancelled")).toBe("withdrawn");
    expect(outcomeOf("rolled-back")).toBe("unsuccessful");
  });

  it("has no share of failures while nothing has finished", () => {
    expect(failedPercent({ finished: 0, succeeded: 0, cancelled: 0 })).toBeUndefined();
    expect(failedPercent({ finished: 3, succeeded: 1, cancelled: 0 })).toBe(67);
    expect(failedPercent({ finished: 2, succeeded: 0, cancelled: 2 })).toBeUndefined();
  });

  it("counts what was cancelled neither as a failure nor as anything that a share is of", () => {
    expect(failuresOf({ finished: 5, succeeded: 3, cancelled: 2 })).toEqual({ failed: 0, counted: 3 });
    expect(failuresOf({ finished: 5, succeeded: 1, cancelled: 1 })).toEqual({ failed: 3, counted: 4 });
    expect(failedPercent({ finished: 5, succeeded: 1, cancelled: 1 })).toBe(75);
    expect(failedPercent({ finished: 5, succeeded: 3, cancelled: 2 })).toBe(0);
  });

  it("counts every state once, and takes it out again", () => {
    for (const state of deploymentStateNames) {
      const tally = emptyTally(9);
      countInto(tally, state, 3);
      const { failed, counted } = failuresOf(tally);
      const outcome = outcomeOf(state);
      expect([state, tally.finished, tally.succeeded, failed, tally.cancelled, counted]).toEqual([
        state,
        outcome === "waiting" || outcome === "under-way" ? 0 : 3,
        outcome === "succeeded" ? 3 : 0,
        outcome === "unsuccessful" ? 3 : 0,
        outcome === "withdrawn" ? 3 : 0,
        outcome === "succeeded" || outcome === "unsuccessful" ? 3 : 0,
      ]);
      countInto(tally, state, -3);
      expect(tally).toEqual(emptyTally(9));
    }
  });

  it("has waves that are done when all have finished, and an empty one when it is passed", () => {
    expect(waveStateOf({ ...emptyTally(2), finished: 2 }, 0, 0)).toBe("done");
    expect(waveStateOf({ ...emptyTally(2), finished: 1 }, 0, 0)).toBe("running");
    expect(waveStateOf(emptyTally(2), 1, 0)).toBe("waiting");
    // Confirmed when the rollout was made, before its turn came.
    expect(waveStateOf({ ...emptyTally(2), finished: 2 }, 1, 0)).toBe("done");
    expect([waveStateOf(emptyTally(0), 1, 0), waveStateOf(emptyTally(0), 1, 1)]).toEqual(["waiting", "done"]);
  });

  const wavesOf = (...states: WaveState[]) => states.map((state, index) => ({ index, ...emptyTally(1), state }));

  it("is in the wave that the server says, whatever the states of the waves are", () => {
    const indexOf = (current: number, ...states: WaveState[]) =>
      currentWave({ currentWave: current, waves: wavesOf(...states) })?.index;
    expect(indexOf(1, "done", "running", "waiting")).toBe(1);
    // A device of wave 1 that was away has come back.
    expect(indexOf(1, "running", "done", "waiting")).toBe(1);
    // Wave 2 had the image before its turn came.
    expect(indexOf(0, "running", "done", "waiting")).toBe(0);
    expect(indexOf(1, "done", "done")).toBe(1);
    expect(indexOf(0)).toBeUndefined();
  });

  it("is watched in the wave that it is in until that time is over", () => {
    const soakUntil = "2030-01-01T00:00:00.000Z";
    const waves = wavesOf("running", "done", "waiting");
    expect(watchedWave({ soakUntil, currentWave: 1, waves })?.index).toBe(1);
    expect(watchedWave({ soakUntil: null, currentWave: 1, waves })).toBeUndefined();
  });
});
