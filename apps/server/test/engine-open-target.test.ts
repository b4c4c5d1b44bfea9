// Rollouts that stay open: the engine alone.

import { describe, expect, it } from "vitest";
import { mayBeOffered } from "../src/domain/snapshots.ts";
import { whyRolloutWaits } from "../src/domain/why.ts";
import { Model } from "./engine-model.ts";

const join = (model: Model, id: string) =>
  model.apply({ type: "device-joined", joiner: { id, deviceId: `device-${id}`, digest: "new", total: 4 } });

function update(model: Model, id: string): void {
  model.offer(id);
  model.confirm(id);
}

const open = (totals: number[], rules = {}) => new Model(totals, rules, { targetOpen: true });

describe("a rollout whose target is open", () => {
  it("does not end when all of its devices are done, and says what it waits for", () => {
    const model = open([1]);
    update(model, "0.0");
    expect(model.rollout).toMatchObject({ state: "running", heldFor: "joiners" });
    expect(model.decisions.at(-1)).toBe("its one device is done; it stays open for those that come to match");
    expect(whyRolloutWaits(model.snapshot())).toEqual({
      sentence: "Its 1 device is done; it stays open for devices that come to match.",
      actions: ["pause it", "close its target", "cancel it"],
    });
    // Once is enough to say it.
    model.apply({ type: "time-passed" });
    expect(model.decisions.filter((text) => text.includes("stays open"))).toHaveLength(1);
    model.apply({ type: "close-target", by: "ann" });
    expect(model.rollout.state).toBe("completed");
  });

  it("may begin with nobody, and takes who comes", () => {
    const model = open([0]);
    expect(model.rollout).toMatchObject({ state: "running", heldFor: "joiners", currentWave: 0 });
    expect(whyRolloutWaits(model.snapshot()).sentence).toBe(
      "No device has matched it yet; it stays open for devices that come to match.",
    );
    join(model, "late");
    expect(model.rollout.heldFor).toBeNull();
    expect(model.get("late")).toMatchObject({ wave: 0, state: "queued", deadlineAt: model.now + 100 });
    update(model, "late");
    expect(model.rollout).toMatchObject({ state: "running", heldFor: "joiners" });
  });

  it("lets who comes early wait for all that its last wave waits for", () => {
    const model = open([1, 0], [{}, { approval: true }]);
    join(model, "late");
    expect(model.get("late")).toMatchObject({ wave: 1, deadlineAt: null });
    expect(mayBeOffered(model.rollout, model.get("late"))).toBe(false);
    expect(model.offer("late").refused).toBe("the deployment is not due");
    update(model, "0.0");
    expect(model.rollout.heldFor).toBe("approval");
    model.apply({ type: "approve", by: "bob" });
    update(model, "late");
    expect(model.get("late").state).toBe("confirmed");
  });

  it("offers to who comes late at the wave's rate, and under its cap", () => {
    const capped = open([0], { underWayMax: 1 });
    join(capped, "one");
    join(capped, "two");
    capped.offer("one");
    expect(capped.offer("two").refused).toContain("1 device is at work on it");
    const rate = { perHour: 1, growthFactor: 1, growthConfirmed: 1, perHourMax: 1 };
    const paced = open([0], { rate });
    join(paced, "one");
    join(paced, "two");
    paced.offer("one");
    expect(paced.offer("two").refused).toBe("the next offer is not due yet");
  });

  it("watches its last wave anew after each that came late, and its gate counts them", () => {
    const model = open([1], { soakMs: 50 });
    update(model, "0.0");
    model.now += 50;
    model.apply({ type: "time-passed" });
    expect(model.rollout.heldFor).toBe("joiners");
    join(model, "late");
    expect(model.rollout).toMatchObject({ heldFor: null, soakUntil: null });
    update(model, "late");
    expect(model.rollout.soakUntil).toBe(model.now + 50);
    const failing = open([0], { failureThresholdPercent: 0 });
    join(failing, "late");
    failing.offer("late");
    failing.report("late", "failed", 60);
    expect(failing.rollout.state).toBe("paused");
  });

  it("takes nobody once it is closed, cancelled or over, and keeps who waits while it is paused", () => {
    const paused = open([1]);
    paused.apply({ type: "pause", by: "ann" });
    join(paused, "late");
    expect(paused.offer("late").refused).toBe("the deployment is not due");
    paused.apply({ type: "close-target", by: "ann" });
    expect(join(paused, "later").refused).toBe("its target is closed");
    expect(paused.apply({ type: "close-target", by: "ann" }).refused).toBe("its target is closed already");
    const held = open([1], { startAt: "2040-01-01T00:00:00Z" });
    held.apply({ type: "close-target", by: "ann" });
    expect(held.decisions.filter((text) => text.includes("is to start at"))).toHaveLength(1);
    const cancelled = open([1]);
    cancelled.apply({ type: "cancel", by: "ann" });
    expect(join(cancelled, "late").refused).toBe("the rollout is cancelled");
    expect(cancelled.apply({ type: "close-target", by: "ann" }).refused).toBe("the rollout is cancelled");
    expect(join(new Model([1]), "late").refused).toBe("its target is closed");
  });
});
