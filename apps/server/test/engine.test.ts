// The rollout engine, alone: each of its rules, then all of them under whatever happens in whatever order.

import { failuresOf, isSettled } from "@flipside/api/rollout-arithmetic";
import { deploymentStateNames } from "@flipside/image-format";
import { describe, expect, it } from "vitest";
import { isWaiting, mayFollowName, revisableStates } from "../src/domain/deployment-transitions.ts";
import type { RolloutEvent } from "../src/domain/rollout-events.ts";
import { type DeploymentSnapshot, mayBeOffered, type RolloutSnapshot, underWay } from "../src/domain/snapshots.ts";
import { isFinalName, Model } from "./engine-model.ts";
import { Random, seed } from "./random.ts";

describe("the rollout engine", () => {
  it("starts the next wave when every deployment of the one before is final and its gate holds", () => {
    const model = new Model([2, 2]);
    expect(model.offer("1.0").refused).toBeDefined();
    model.offer("0.0");
    model.offer("0.1");
    model.confirm("0.0");
    expect(model.rollout.currentWave).toBe(0);
    model.confirm("0.1");
    expect(model.rollout.currentWave).toBe(1);
    expect(model.decisions.at(-1)).toMatch(/wave 2 started \(2 devices\): wave 1 has 2 confirmed and 0 failed of 2/);
    expect(model.offer("1.0").refused).toBeUndefined();
  });

  it("pauses by itself when more than the threshold of a wave's finished deployments failed, with the numbers", () => {
    const model = new Model([4, 4], { failureThresholdPercent: 50 });
    for (const id of ["0.0", "0.1", "0.2"]) model.offer(id);
    model.confirm("0.0");
    model.report("0.1", "failed", 60);
    expect(model.rollout.state).toBe("running");
    model.report("0.2", "rejected", 41);
    expect(model.rollout).toMatchObject({
      state: "paused",
      pauseReason: "2 of 3 finished deployments of wave 1 failed (67 %, more than 50 %)",
    });
    expect(model.decisions.at(-1)).toContain("paused automatically: 2 of 3");
  });

  it("makes no new offers while paused, and lets running deployments go on", () => {
    const model = new Model([2]);
    model.offer("0.0");
    model.apply({ type: "pause", by: "ann" });
    expect(model.offer("0.1").refused).toBeDefined();
    model.report("0.0", "installed");
    model.confirm("0.0");
    expect(model.get("0.0").state).toBe("confirmed");
    model.apply({ type: "resume", by: "ann" });
    expect(model.offer("0.1").refused).toBeUndefined();
  });

  it("watches a wave anew in which somebody who was away came back meanwhile", () => {
    const model = new Model([2, 1], { soakMs: 50 });
    model.offer("0.0");
    model.confirm("0.0");
    model.apply({ type: "others-away", away: [{ ...model.get("0.1") }] });
    expect(model.rollout.soakUntil).toBe(model.now + 50);
    model.offer("0.1");
    expect(model.rollout.soakUntil, "it is not finished any more").toBeNull();
    model.now += 60;
    model.apply({ type: "time-passed" });
    model.confirm("0.1");
    expect(model.rollout).toMatchObject({ currentWave: 0, soakUntil: model.now + 50 });
    model.now += 50;
    model.apply({ type: "time-passed" });
    expect(model.rollout.currentWave).toBe(1);
  });

  it("counts only what finishes after a resume against the threshold", () => {
    const model = new Model([4], { failureThresholdPercent: 20 });
    for (const id of ["0.0", "0.1", "0.2"]) model.offer(id);
    model.report("0.0", "failed", 60);
    expect(model.rollout.state).toBe("paused");
    model.apply({ type: "resume", by: "ann" });
    model.confirm("0.1");
    expect(model.rollout.state).toBe("running");
    model.report("0.2", "failed", 60);
    expect(model.rollout.state).toBe("paused");
  });

  it("cancels what has not been installed yet, and lets what has go on", () => {
    const model = new Model([5]);
    for (const id of ["0.1", "0.2", "0.3", "0.4"]) model.offer(id);
    model.report("0.2", "downloading");
    model.report("0.3", "verifying");
    model.report("0.4", "installed");
    model.apply({ type: "cancel", by: "ann" });
    expect(model.deployments.map((d) => d.state)).toEqual([
      "cancelled",
      "cancelled",
      "cancelled",
      "cancelled",
      "installed",
    ]);
    expect(model.rollout.state).toBe("cancelled");
    model.rollBack("0.4");
    expect(model.get("0.4")).toMatchObject({ state: "rolled-back", code: 70 });
  });

  it("lets cancelled and timed-out yield to a later confirmed check-in, and to nothing else", () => {
    const model = new Model([2]);
    model.offer("0.0");
    model.offer("0.1");
    model.now += 100;
    model.late("0.0");
    model.late("0.1");
    expect(model.get("0.0").state).toBe("timed-out");
    expect(model.report("0.0", "installed").refused).toBeDefined();
    model.rollBack("0.0");
    expect(model.get("0.0").state).toBe("timed-out");
    model.confirm("0.0");
    expect(model.get("0.0").state).toBe("confirmed");
  });

  it("tells of a final state that later evidence revised, and only of those that may be", () => {
    for (const state of deploymentStateNames.filter(isFinalName)) {
      const model = new Model([1]);
      model.offer("0.0");
      model.get("0.0").state = state;
      const to = state === "confirmed" ? "rolled-back" : "confirmed";
      const { moves } = state === "confirmed" ? model.rollBack("0.0") : model.confirm("0.0");
      const revised = { id: "0.0", wave: 0, from: state, to };
      expect(moves, state).toEqual((revisableStates as readonly string[]).includes(state) ? [revised] : []);
    }
  });

  it("does not give a deployment up before its deadline, nor one that waits in a paused rollout", () => {
    const model = new Model([2]);
    model.offer("0.0");
    model.now += 99;
    model.late("0.0");
    expect(model.get("0.0").state).toBe("offered");
    model.apply({ type: "pause", by: "ann" });
    model.now += 1_000;
    model.late("0.1");
    expect(model.get("0.1").state).toBe("queued");
    model.apply({ type: "resume", by: "ann" });
    expect(model.get("0.1").deadlineAt).toBe(model.now + 100);
  });

  it("takes neither confirmed nor rolled-back from a state message", () => {
    const model = new Model([1]);
    model.offer("0.0");
    model.report("0.0", "testing");
    model.report("0.0", "confirmed");
    model.report("0.0", "rolled-back", 70);
    expect(model.get("0.0").state).toBe("testing");
  });

  it("does not take an older failed slot of the same image for a roll-back of this deployment", () => {
    const model = new Model([1]);
    model.offer("0.0");
    const evidence = {
      running: { digest: "old", state: "confirmed" },
      other: { digest: "new", state: "failed", reason: 70 },
    };
    model.apply({ type: "checked-in", deployment: { ...model.get("0.0") }, evidence });
    expect(model.get("0.0").state).toBe("offered");
    model.report("0.0", "installed");
    model.apply({ type: "checked-in", deployment: { ...model.get("0.0") }, evidence });
    expect(model.get("0.0").state).toBe("rolled-back");
  });

  it("refuses reports of another attempt and steps back", () => {
    const model = new Model([1]);
    model.offer("0.0");
    model.report("0.0", "verifying");
    expect(model.report("0.0", "downloading").refused).toContain("cannot follow");
    expect(model.report("0.0", "installed", 0, 2).refused).toContain("attempt 2");
    expect(model.get("0.0").state).toBe("verifying");
  });

  it("passes over waves without devices", () => {
    const model = new Model([1, 0, 1]);
    model.offer("0.0");
    model.confirm("0.0");
    expect(model.rollout.currentWave).toBe(2);
    model.offer("2.0", true);
    expect(model.rollout.state).toBe("completed");
  });
});

/** One of all events, of a deployment drawn before it. Notes which deployments a check-in has proven. */
function applyAny(model: Model, random: Random, proven: Set<string>): void {
  const target = random.pick(model.deployments);
  const what = random.below(10);
  if (what < 3) model.offer(target.id);
  else if (what < 6)
    model.report(target.id, random.pick(deploymentStateNames), random.pick([0, 60]), random.pick([1, 1, 1, 2]));
  else if (what === 6) {
    model.confirm(target.id);
    if (target.state === "confirmed") proven.add(target.id);
  } else if (what === 7) model.rollBack(target.id);
  else if (what === 8) timeAny(model, random, target);
  else actAny(model, random, target);
}

const joinOf = (id: string): RolloutEvent => ({
  type: "device-joined",
  joiner: { id, deviceId: `device-${id}`, digest: "new", total: 4 },
});

/** What time does, and what is found at an offer. */
function timeAny(model: Model, random: Random, target: DeploymentSnapshot): void {
  const deployment = { ...target };
  const isWaiting = (d: DeploymentSnapshot): boolean => d.state === "queued" && d.wave === model.rollout.currentWave;
  const events: RolloutEvent[] = [
    { type: "deadline-passed", deployment, isHeldBack: random.below(3) === 0 },
    { type: "late-offers-expired", deployment },
    { type: "superseded", deployment, why: "runs 3" },
    { type: "time-passed" },
    joinOf(`joined-${model.deployments.length}`),
    { type: "others-away", away: model.deployments.filter(isWaiting).map((d) => ({ ...d })) },
  ];
  model.apply(random.pick(events));
}

/** What people do; a cancellation is rare, as it ends the history. */
function actAny(model: Model, random: Random, target: DeploymentSnapshot): void {
  const action = random.below(12);
  if (action < 5) model.apply({ type: "resume", by: "x" });
  else if (action < 7) model.apply({ type: "pause", by: "x" });
  else if (action === 9) model.apply({ type: "close-target", by: "x" });
  else if (action === 7) model.apply({ type: "device-revoked", deployment: { ...target } });
  else if (action === 8 && random.below(4) === 0) {
    model.apply({ type: "cancel", by: "x" });
  }
}

type Must = (holds: boolean, rule: string) => void;

function deploymentRules(
  must: Must,
  was: DeploymentSnapshot,
  after: DeploymentSnapshot,
  rolloutBefore: Model["rollout"],
  proven: ReadonlySet<string>,
): void {
  if (after.state !== was.state)
    must(mayFollowName(was.state, after.state), `${was.state} became ${after.state}, which the table does not have`);
  if (after.state === "confirmed") must(proven.has(after.id), "confirmed without a check-in");
  if (isWaiting(was.state) && after.state === "offered")
    must(mayBeOffered(rolloutBefore, was), "offered outside an open wave, or late in a rollout that is not over");
  if (!isFinalName(after.state) && after.state !== "queued")
    must(after.deadlineAt !== null, "offered without a deadline");
}

function rolloutRules(must: Must, before: Model["rollout"], after: RolloutSnapshot, now: number): void {
  const isOver = (waves: RolloutSnapshot["waves"]): boolean => waves.every(isSettled);
  for (const wave of after.waves)
    must(failuresOf(wave).failed >= 0 && wave.finished <= wave.total, "a tally is out of range");
  const most = Math.max(...before.rules.map(({ underWayMax }) => underWayMax ?? Infinity));
  must(underWay(after) <= most, "more devices are at work than may be");
  must(after.currentWave >= before.currentWave, "the rollout went back a wave");
  const goesOn = after.currentWave > before.currentWave || (after.state === "completed" && before.state === "running");
  if (goesOn) {
    // One that is offered late, in a wave that was passed, is waited for by nobody.
    const { currentWave } = before;
    must(isOver(after.waves.slice(currentWave, after.currentWave)), "a wave was passed before it was settled");
    const isWatched = before.rules[currentWave]!.soakMs === 0 || after.waves[currentWave]!.total === 0;
    must(isWatched || (before.soakUntil !== null && before.soakUntil <= now), "a wave was passed before its soak");
  }
  must(!after.targetOpen || after.state !== "completed", "it ended, and devices may still come to match");
  if (before.state === "cancelled" || before.state === "completed")
    must(after.state === before.state, `a ${before.state} rollout changed its state`);
}

describe(`whatever happens in whatever order (FLIPSIDE_SEED=${seed})`, () => {
  it("keeps the rollout's rules", () => {
    console.log(`FLIPSIDE_SEED=${seed}`);
    const random = new Random(seed);
    for (let run = 0; run < 300; run++) {
      const totals = Array.from({ length: 1 + random.below(4) }, () => random.below(5));
      if (!totals.some((n) => n > 0)) totals[0] = 1;
      const model = new Model(
        totals,
        {
          failureThresholdPercent: random.pick([0, 10, 50, 100]),
          minimumSample: random.pick([1, 2, 5]),
          soakMs: random.pick([0, 0, 30]),
          underWayMax: random.pick([null, 1, 2]),
        },
        { lateOffersMs: random.pick([0, 200]), targetOpen: random.below(3) === 0 },
      );
      const proven = new Set<string>();
      for (let i = 0; i < 120; i++) {
        model.now += random.below(20);
        const before = new Map(model.deployments.map((d) => [d.id, { ...d }]));
        const rolloutBefore = { ...model.rollout };
        applyAny(model, random, proven);
        // Not `expect`: a million calls of it take longer than everything else.
        const must: Must = (holds, rule) => {
          if (!holds) throw new Error(`run ${run}, event ${i} (FLIPSIDE_SEED=${seed}): ${rule}`);
        };
        for (const after of model.deployments) {
          const was = before.get(after.id);
          if (was !== undefined) deploymentRules(must, was, after, rolloutBefore, proven);
          else must(rolloutBefore.targetOpen && after.state === "queued", "a device joined what is closed");
        }
        rolloutRules(must, rolloutBefore, model.snapshot(), model.now);
      }
    }
  });

  it("ends once devices succeed and the operator resumes, from any state", () => {
    const random = new Random(seed + 1);
    for (let run = 0; run < 100; run++) {
      const model = new Model([1 + random.below(4), random.below(4), 1 + random.below(4)], {
        failureThresholdPercent: random.pick([0, 20, 100]),
      });
      for (let i = 0; i < 30; i++) {
        const id = random.pick(model.deployments).id;
        if (random.below(2)) model.offer(id);
        else model.report(id, random.pick(["downloading", "installed", "failed", "rejected"]), 60);
      }
      for (let i = 0; i < 60 && model.rollout.state !== "completed"; i++) {
        if (model.rollout.state === "paused") model.apply({ type: "resume", by: "x" });
        for (const { id } of model.deployments) {
          model.offer(id);
          model.confirm(id);
        }
      }
      expect(model.rollout.state, `run ${run}`).toBe("completed");
    }
  });
});
