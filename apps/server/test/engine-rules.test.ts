// What an operator sets of a rollout's waves, and what the operator's words do, each by itself.

import type { RetryRule } from "@flipside/api/types";
import { ErrorCode } from "@flipside/image-format";
import { describe, expect, it } from "vitest";
import { whyRolloutWaits } from "../src/domain/why.ts";
import { Model } from "./engine-model.ts";

const minute = 60_000;

describe("a wave's own rules", () => {
  it("hold for it alone: threshold, sample, soak, deadline", () => {
    const model = new Model([2, 2], [{ failureThresholdPercent: 100, soakMs: 30 }, { failureThresholdPercent: 0 }]);
    model.offer("0.0");
    model.offer("0.1");
    expect(model.get("0.0").deadlineAt).toBe(1_100);
    model.report("0.0", "failed", 60);
    model.confirm("0.1");
    expect(model.rollout).toMatchObject({ state: "running", currentWave: 0, soakUntil: 1_030 });
    model.now += 30;
    model.apply({ type: "time-passed" });
    expect(model.rollout.currentWave).toBe(1);
    model.offer("1.0");
    model.report("1.0", "failed", 60);
    expect(model.rollout.state).toBe("paused");
  });

  it("may end the rollout, withdrawing what is not past the point of no return", () => {
    const model = new Model([4], { thresholdAction: "abort", failureThresholdPercent: 0 });
    for (const id of ["0.0", "0.1", "0.2"]) model.offer(id);
    model.report("0.1", "installed");
    const { rollBack } = model.report("0.0", "failed", 60);
    expect(model.rollout).toMatchObject({
      state: "cancelled",
      pauseReason: expect.stringContaining("1 of 1 finished"),
    });
    expect(model.deployments.map(({ state }) => state)).toEqual(["failed", "installed", "cancelled", "cancelled"]);
    expect(rollBack).toBeUndefined();
    expect(model.decisions.at(-1)).toMatch(/^cancelled automatically: 1 of 1 .*; 3 of wave 1 are unfinished/);
  });

  it("may take those back that were updated, of the wave or of all", () => {
    for (const [thresholdAction, wave] of [
      ["roll-back-wave", 1],
      ["roll-back-all", undefined],
    ] as const) {
      const model = new Model([1, 2], { thresholdAction, failureThresholdPercent: 0 });
      model.offer("0.0");
      model.confirm("0.0");
      model.offer("1.0");
      const { rollBack } = model.report("1.0", "failed", 60);
      expect(model.rollout.state).toBe("rolled-back");
      expect(rollBack).toEqual({ wave });
    }
  });

  it("may take back for a wave that had been passed, when its success did not last", () => {
    const model = new Model([2, 2], { thresholdAction: "roll-back-wave", failureThresholdPercent: 0 });
    for (const id of ["0.0", "0.1"]) {
      model.offer(id);
      model.confirm(id);
    }
    expect(model.rollout.currentWave).toBe(1);
    const { rollBack } = model.apply({
      type: "checked-in",
      deployment: { ...model.get("0.0") },
      evidence: {
        running: { digest: "old", state: "confirmed" },
        other: { state: "failed", digest: "new", reason: 70 },
      },
    });
    expect(rollBack).toEqual({ wave: 0 });
  });
});

describe("a wave that is not to start by itself", () => {
  it("waits for its time, by the calendar's clock, and says so once", () => {
    const startAt = "2026-11-26T12:05:00.000Z";
    const model = new Model([1, 1], [{ startAt }, {}]);
    expect(model.rollout).toMatchObject({ currentWave: -1, heldFor: "start-time" });
    expect(model.offer("0.0").refused).toBeDefined();
    model.now += minute;
    model.apply({ type: "time-passed" });
    expect(model.decisions).toEqual(["started: 2 devices in 2 waves", `wave 1 is to start at ${startAt}`]);
    // Set by hand, or by NTP: durations don't follow, what was set by the calendar does.
    model.wallOffsetMs += 5 * minute;
    model.apply({ type: "time-passed" });
    expect(model.rollout).toMatchObject({ currentWave: 0, heldFor: null });
    expect(model.get("0.0").deadlineAt).toBe(model.now + 100);
    expect(model.offer("0.0").refused).toBeUndefined();
  });

  it("waits for its time again after a pause before it: the rollout began nothing, for ever, once it was resumed", () => {
    const startAt = "2026-11-26T12:05:00.000Z";
    const model = new Model([1], [{ startAt }]);
    model.apply({ type: "pause", by: "ann" });
    expect(model.rollout.heldFor).toBeNull();
    model.apply({ type: "resume", by: "ann" });
    expect(model.rollout).toMatchObject({ currentWave: -1, heldFor: "start-time" });
    model.wallOffsetMs += 5 * minute;
    model.apply({ type: "time-passed" });
    expect(model.rollout.currentWave).toBe(0);
  });

  it("is one that is still being made, while the one before goes its way", () => {
    const model = new Model([1, 2], {}, { wavesMade: 0 });
    expect(model.rollout.currentWave).toBe(-1);
    expect(model.apply({ type: "start-next-wave", by: "ann" }).refused).toBe("wave 1 is still being made");
    model.rollout.wavesMade = 1;
    model.apply({ type: "time-passed" });
    expect(model.rollout.currentWave).toBe(0);
    model.offer("0.0");
    model.confirm("0.0");
    expect(model.rollout).toMatchObject({ state: "running", currentWave: 0 });
    model.rollout.wavesMade = 2;
    model.apply({ type: "time-passed" });
    expect(model.rollout.currentWave).toBe(1);
  });

  it("is approved by somebody else than who made the rollout", () => {
    const model = new Model([1, 1], [{}, { approval: true }]);
    expect(model.apply({ type: "approve", by: "ann" }).refused).toContain("ann made the rollout");
    model.offer("0.0");
    model.confirm("0.0");
    expect(model.rollout).toMatchObject({ currentWave: 0, heldFor: "approval" });
    expect(model.apply({ type: "start-next-wave", by: "ann" }).refused).toContain("to be approved first");
    model.apply({ type: "approve", by: "bob" });
    expect(model.rollout).toMatchObject({ currentWave: 1, heldFor: null });
    expect(model.decisions.slice(-2)).toEqual(["wave 2 approved by bob", expect.stringMatching(/^wave 2 started/)]);
    expect(model.apply({ type: "approve", by: "bob" }).refused).toContain("wants no approval");
  });

  it("ends when who waits in an earlier wave, passed by hand, has come to an end, too", () => {
    const model = new Model([1, 1]);
    model.apply({ type: "start-next-wave", by: "ann" });
    model.offer("1.0");
    model.confirm("1.0");
    expect(model.rollout.state).toBe("running");
    expect(whyRolloutWaits(model.snapshot()).sentence).toBe(
      "Wave 1 waits for 1 device not offered it yet; then the rollout ends.",
    );
    model.offer("0.0");
    model.confirm("0.0");
    expect(model.rollout.state).toBe("completed");
  });

  it("goes on for a device of an earlier wave that is tried again when all was over", () => {
    const model = new Model([1, 1], { failureThresholdPercent: 100 });
    model.offer("0.0");
    model.report("0.0", "failed", 60);
    model.offer("1.0");
    model.confirm("1.0");
    expect(model.rollout.state).toBe("completed");
    model.apply({ type: "retry", by: "ann", of: [model.get("0.0")] });
    expect(model.rollout.state).toBe("running");
    expect(model.offer("0.0").refused).toBeUndefined();
    model.confirm("0.0");
    expect(model.rollout.state).toBe("completed");
  });

  it("says so again after a pause before the first wave", () => {
    const model = new Model([1], { approval: true });
    model.apply({ type: "started", leftOut: "" });
    expect(model.rollout.heldFor).toBe("approval");
    model.apply({ type: "pause", by: "ann" });
    model.apply({ type: "resume", by: "ann" });
    expect(model.rollout).toMatchObject({ state: "running", currentWave: -1, heldFor: "approval" });
  });

  it("waits for that no more while the wave before is not finished any more, and then again", () => {
    const model = new Model([2, 1], [{}, { approval: true }]);
    model.offer("0.0");
    model.confirm("0.0");
    model.now += 100;
    model.late("0.1");
    expect(model.get("0.1").state).toBe("unreached");
    expect(model.rollout.heldFor).toBe("approval");
    // It has come back.
    model.offer("0.1");
    expect(model.rollout.heldFor).toBeNull();
    model.apply({ type: "approve", by: "bob" });
    expect(model.rollout.currentWave, "approved, and not yet its turn").toBe(0);
    model.confirm("0.1");
    expect(model.rollout.currentWave).toBe(1);
  });

  it("may be approved ahead of its turn, and anew when its rules change after that", () => {
    const model = new Model([1, 1], [{}, { approval: true }]);
    model.apply({ type: "approve", by: "bob" });
    expect(model.apply({ type: "approve", by: "cid" }).refused).toContain("approved already");
    const rules = model.rollout.rules.map((each, wave) => (wave === 1 ? { ...each, deadlineMs: 5 } : each));
    model.apply({ type: "change-rules", by: "ann", rules, what: "a shorter deadline" });
    model.offer("0.0");
    model.confirm("0.0");
    expect(model.rollout.heldFor).toBe("approval");
  });
});

describe("how fast offers are made", () => {
  it("is so many in an hour, evenly spaced, in whatever order devices ask", () => {
    const model = new Model([10], { rate: { perHour: 60, growthFactor: 1, growthConfirmed: 1, perHourMax: 60 } });
    expect(model.offer("0.0").refused).toBeUndefined();
    expect(model.offer("0.1").refused).toBe("the next offer is not due yet");
    model.now += minute - 1;
    expect(model.offer("0.1").refused).toBeDefined();
    model.now += 1;
    expect(model.offer("0.1").refused).toBeUndefined();
    expect(model.offer("0.2").refused).toBeDefined();
  });

  it("grows with what is confirmed, up to its limit", () => {
    const model = new Model([10], { rate: { perHour: 60, growthFactor: 2, growthConfirmed: 1, perHourMax: 240 } });
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      const from = model.now;
      while (model.offer(`0.${i}`).refused !== undefined) model.now += 1_000;
      waits.push(model.now - from);
      model.confirm(`0.${i}`);
    }
    expect(waits).toEqual([0, 60_000, 30_000, 15_000, 15_000]);
  });

  it("lets a device that is there wait past its deadline, but none that is away", () => {
    const model = new Model([2], { rate: { perHour: 1, growthFactor: 1, growthConfirmed: 1, perHourMax: 1 } });
    model.offer("0.0");
    model.now += 100;
    model.late("0.1", true);
    expect(model.get("0.1")).toMatchObject({ state: "queued", deadlineAt: model.now + 100 });
    model.now += 100;
    model.late("0.1", false);
    expect(model.get("0.1").state).toBe("unreached");
  });
});

describe("another try", () => {
  const retries: RetryRule[] = [
    { after: "failed", codes: ["flash-failed"], retriesMax: 2, delayMs: 40 },
    { after: "timed-out", retriesMax: 1, delayMs: 0 },
  ];
  const withRetries = (totals: number[]): Model => new Model(totals, {}, { retries });

  it("is made after the codes that were named, ever later, so often and no oftener", () => {
    const model = withRetries([3]);
    const fail = (attempt: number): void => {
      model.offer("0.0");
      model.report("0.0", "failed", ErrorCode.FlashFailed, attempt);
    };
    fail(1);
    expect(model.get("0.0")).toMatchObject({ state: "queued", attempt: 2, notBefore: model.now + 40, code: 0 });
    expect(model.offer("0.0").refused).toBe("it is not time for the next try");
    model.now += 40;
    fail(2);
    expect(model.get("0.0")).toMatchObject({ state: "queued", attempt: 3, notBefore: model.now + 80 });
    model.now += 80;
    fail(3);
    expect(model.get("0.0").state).toBe("failed");
    expect(model.decisions.filter((text) => text.includes("tried again"))).toHaveLength(2);
  });

  it("counts as no failure meanwhile, and not after another code", () => {
    const model = withRetries([2]);
    model.offer("0.0");
    model.report("0.0", "failed", ErrorCode.FlashFailed);
    expect(model.snapshot().waves[0]).toMatchObject({ finished: 0, waiting: 2 });
    model.offer("0.1");
    model.report("0.1", "failed", ErrorCode.Crashed);
    expect(model.get("0.1").state).toBe("failed");
  });

  it("is told from the one before: what the device says of that changes nothing", () => {
    const model = withRetries([1]);
    model.offer("0.0");
    model.now += 100;
    model.late("0.0");
    expect(model.get("0.0")).toMatchObject({ state: "queued", attempt: 2 });
    model.offer("0.0");
    expect(model.report("0.0", "failed", 60, 1).refused).toContain("attempt 1");
    expect(model.get("0.0").state).toBe("offered");
  });

  it("is made by an operator's word, also in a rollout that was over; what else failed is accepted", () => {
    const model = new Model([3], { failureThresholdPercent: 70, minimumSample: 3 });
    for (const id of ["0.0", "0.1", "0.2"]) model.offer(id);
    model.report("0.0", "failed", 60);
    model.report("0.1", "failed", 60);
    model.confirm("0.2");
    expect(model.rollout.state).toBe("completed");
    expect(model.apply({ type: "retry", by: "ann", of: [{ ...model.get("0.2") }] }).refused).toBeDefined();
    model.apply({ type: "retry", by: "ann", of: [{ ...model.get("0.0") }] });
    expect(model.rollout).toMatchObject({ state: "running" });
    expect(model.get("0.0")).toMatchObject({ state: "queued", attempt: 2, notBefore: null });
    model.offer("0.0");
    model.confirm("0.0");
    expect(model.rollout.state).toBe("completed");
    expect(model.get("0.1").state).toBe("failed");
  });
});

describe("the operator's words", () => {
  it("start the next wave now, whatever the present one has come to", () => {
    const model = new Model([2, 1]);
    model.offer("0.0");
    model.apply({ type: "start-next-wave", by: "ann" });
    expect(model.rollout.currentWave).toBe(1);
    expect(model.decisions.at(-1)).toMatch(/^wave 2 started \(1 device\): started by ann; wave 1 has 0 confirmed/);
    expect(model.offer("0.1").refused).toBeUndefined();
    expect(model.apply({ type: "start-next-wave", by: "ann" }).refused).toContain("no further wave");
  });

  it("take devices out, but none that is past its point of no return", () => {
    const model = new Model([3]);
    model.offer("0.0");
    model.report("0.0", "installed");
    const of = ["0.0", "0.1"].map((id) => ({ ...model.get(id) }));
    model.apply({ type: "exclude", by: "ann", of });
    expect(model.deployments.map(({ state }) => state)).toEqual(["installed", "cancelled", "queued"]);
    expect(model.decisions.at(-1)).toBe("excluded by ann: device-0.1");
    expect(model.apply({ type: "exclude", by: "ann", of: [{ ...model.get("0.0") }] }).refused).toBeDefined();
  });

  it("change the rules while it runs: a longer deadline is given at once, a shorter soak ends sooner", () => {
    const model = new Model([1, 1], { soakMs: 1_000 });
    const to = (change: object) => model.rollout.rules.map((each) => ({ ...each, ...change }));
    model.apply({ type: "change-rules", by: "ann", rules: to({ deadlineMs: 500 }), what: "deadline" });
    expect(model.get("0.0").deadlineAt).toBe(model.now + 500);
    model.offer("0.0");
    model.confirm("0.0");
    expect(model.rollout.soakUntil).toBe(model.now + 1_000);
    model.now += 10;
    model.apply({ type: "change-rules", by: "ann", rules: to({ soakMs: 10 }), what: "soak" });
    expect(model.rollout.currentWave).toBe(1);
  });

  it("a lower threshold pauses at once what is over it already", () => {
    const model = new Model([3]);
    for (const id of ["0.0", "0.1"]) model.offer(id);
    model.confirm("0.0");
    model.report("0.1", "failed", 60);
    expect(model.rollout.state).toBe("running");
    const rules = model.rollout.rules.map((each) => ({ ...each, failureThresholdPercent: 20 }));
    model.apply({ type: "change-rules", by: "ann", rules, what: "threshold" });
    expect(model.rollout.state).toBe("paused");
  });

  it("roll back a rollout that is over, one wave of it or all, and none that has not started", () => {
    const model = new Model([1, 1]);
    model.offer("0.0");
    model.confirm("0.0");
    expect(model.apply({ type: "roll-back", by: "ann", wave: 5 }).refused).toContain("has 2 waves");
    expect(model.apply({ type: "roll-back", by: "ann", wave: 0 }).rollBack).toEqual({ wave: 0 });
    expect(model.rollout.state).toBe("rolled-back");
    expect(model.get("1.0").state).toBe("cancelled");
    expect(model.apply({ type: "roll-back", by: "ann", wave: undefined }).refused).toContain("rolled-back");
  });
});
