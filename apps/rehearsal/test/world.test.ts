// The simulated world's own parts: time, and what the document says may become what.

import { describe, expect, it } from "vitest";
import { documentedCourses } from "../src/judge/documented.ts";
import { Random } from "../src/world/random.ts";
import { Schedule } from "../src/world/schedule.ts";

describe("simulated time", () => {
  it("brings what is arranged in order, at the same moment as it was arranged, and not what was taken back", () => {
    const schedule = new Schedule();
    const random = new Random(7);
    const happened: [number, number][] = [];
    const arranged = Array.from({ length: 500 }, (_, i) => [random.below(40), i] as [number, number]);
    const takeBacks = arranged.map(([atMs, i]) => schedule.after(atMs, () => happened.push([schedule.nowMs, i])));
    for (let i = 0; i < takeBacks.length; i += 5) takeBacks[i]!();
    while (schedule.nextMs !== undefined) schedule.step();
    const left = arranged.filter((_, i) => i % 5 !== 0);
    expect(happened).toEqual(left.sort(([at, i], [otherAt, other]) => at - otherAt || i - other));
  });

  it("goes on from where it is", () => {
    const schedule = new Schedule();
    const times: number[] = [];
    schedule.after(5, () => schedule.after(3, () => times.push(schedule.nowMs)));
    while (schedule.nextMs !== undefined) schedule.step();
    expect(times).toEqual([8]);
  });
});

describe("chance", () => {
  it("is the same for the same seed and name, and another for another", () => {
    const draws = (seed: number, name: string): number[] => {
      const random = Random.of(seed, name);
      return Array.from({ length: 5 }, () => random.next());
    };
    expect(draws(1, "a")).toEqual(draws(1, "a"));
    expect(draws(1, "a")).not.toEqual(draws(1, "b"));
    expect(draws(1, "a")).not.toEqual(draws(2, "a"));
  });
});

describe("the document's transitions", () => {
  const { rollouts, deployments, ownSteps } = documentedCourses();
  const any = (): boolean => true;

  it("lead on by any number of steps, and not back", () => {
    expect(deployments.leads("queued", "rolled-back", any)).toBe(true);
    expect(deployments.leads("timed-out", "confirmed", any)).toBe(true);
    expect(rollouts.leads("running", "completed", any)).toBe(true);
    expect(rollouts.leads("cancelled", "running", any)).toBe(false);
  });

  it("lead to another try by a retry alone, and from what is over on by a word alone", () => {
    const untried = (cause: string): boolean => cause !== "retry";
    expect(deployments.leads("rolled-back", "confirmed", any)).toBe(true);
    expect(deployments.leads("rolled-back", "confirmed", untried)).toBe(false);
    expect(deployments.leads("timed-out", "confirmed", untried)).toBe(true);
    const byItself = (cause: string): boolean => ownSteps.has(cause);
    expect(rollouts.leads("running", "rolled-back", byItself)).toBe(true);
    expect(rollouts.leads("completed", "rolled-back", byItself)).toBe(false);
    expect(rollouts.leads("completed", "rolled-back", (cause) => cause === "roll-back")).toBe(true);
  });
});
