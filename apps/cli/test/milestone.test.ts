// When who watches a rollout is content, and when there is nothing left to wait for.

import { expect, it } from "vitest";
import { type Milestone, readMilestone, standingOf } from "../src/rollouts/milestone.ts";

type Looked = Parameters<typeof standingOf>[0];
const waves = [{}, {}, {}] as Looked["waves"];
const looked = (more: Partial<Looked>): Looked => ({
  state: "running",
  currentWave: 0,
  heldFor: null,
  waves,
  preparing: null,
  ...more,
});
const wave = (index: number): Milestone => ({ kind: "wave", wave: index });
const completed: Milestone = { kind: "completed" };

it("a wave is past its gates when the next one has begun, or waits for its time or somebody's approval", () => {
  expect(standingOf(looked({}), wave(0))).toBe("under-way");
  expect(standingOf(looked({ currentWave: 1 }), wave(0))).toBe("reached");
  expect(standingOf(looked({ heldFor: "approval" }), wave(0))).toBe("reached");
  expect(standingOf(looked({ currentWave: -1, heldFor: "start-time" }), wave(0))).toBe("under-way");
  expect(standingOf(looked({ currentWave: 2 }), wave(2))).toBe("under-way");
  expect(standingOf(looked({ state: "completed", currentWave: 2 }), wave(2))).toBe("reached");
});

it("a pause stops who waits for what is behind it, and nobody whose wave was past its gates before", () => {
  expect(standingOf(looked({ state: "paused" }), wave(0))).toBe("stopped");
  expect(standingOf(looked({ state: "paused", currentWave: 1 }), wave(0))).toBe("reached");
  expect(standingOf(looked({ state: "paused", currentWave: 1 }), completed)).toBe("stopped");
});

it("a rollout that was cancelled or rolled back has reached nothing", () => {
  for (const state of ["cancelled", "rolled-back"] as const)
    for (const milestone of [wave(0), completed])
      expect(standingOf(looked({ state, currentWave: 2 }), milestone)).toBe("stopped");
});

it("a wave that a rollout will not have is told, as soon as its waves are known", () => {
  expect(standingOf(looked({}), wave(3))).toBe("no-such-wave");
  const preparing = { stage: "choosing", chosen: 0, made: 0 } as const;
  expect(standingOf(looked({ waves: [], currentWave: -1, preparing }), wave(3))).toBe("under-way");
});

it("a milestone is a word, with the wave's number as people count", () => {
  expect([readMilestone("completed"), readMilestone("wave:1")]).toEqual([completed, wave(0)]);
  expect(() => readMilestone("done")).toThrow("completed or wave:N is meant");
});
