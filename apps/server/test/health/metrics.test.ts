// What the health gate counts as a failure, and what its gate does with what it has seen.

import { emptyTally, noCounts } from "@flipside/api/rollout-arithmetic";
import { describe, expect, it } from "vitest";
import { step as stepAt } from "../../src/domain/rollout-engine.ts";
import type { RolloutEvent } from "../../src/domain/rollout-events.ts";
import { hasReconnected, isBeyond, isUncleanBoot, limitOf, sideOf } from "../../src/domain/health/metrics.ts";
import { type Evidence, logOdds, noEvidence, withLook } from "../../src/domain/health/sequential-test.ts";
import type { HealthTestSnapshot, RolloutSnapshot } from "../../src/domain/snapshots.ts";
import { rule, standingRollout } from "../engine-model.ts";

describe("a device has crashed", () => {
  it("when it begins a new run after a trap or a watchdog reset, and at no other check-in", () => {
    const known = { bootCounter: 7 };
    for (const bootReason of ["trap", "watchdog"]) {
      expect(isUncleanBoot(known, { boot: 8, bootReason })).toBe(true);
      expect(isUncleanBoot(known, { boot: 7, bootReason }), "it said so before").toBe(false);
      expect(isUncleanBoot({ bootCounter: null }, { boot: 8, bootReason }), "nobody knows when").toBe(false);
    }
    for (const bootReason of ["power-on", "requested", "update", "roll-back", "reset-pin", "unknown"])
      expect(isUncleanBoot(known, { boot: 8, bootReason })).toBe(false);
  });
});

describe("a device has reconnected too often", () => {
  const metric = { kind: "reconnects", atLeast: 2, withinMs: 1_000 } as const;
  it("when so many sessions after another one began within the time", () => {
    expect(hasReconnected(metric, [0, 500, 1_000])).toBe(true);
    expect(hasReconnected(metric, [0, 500, 1_001])).toBe(false);
    expect(hasReconnected(metric, [0, 1_000]), "one reconnect").toBe(false);
    expect(hasReconnected(metric, [])).toBe(false);
  });
});

describe("a limit", () => {
  it("is such that a twentieth is beyond it, or fewer where many are equal", () => {
    const values = Array.from({ length: 40 }, (_, index) => index + 1);
    for (const worse of ["higher", "lower"] as const) {
      const limit = limitOf(worse, values)!;
      const metric = { kind: "reported", name: "heat", worse, limit } as const;
      expect(values.filter((value) => isBeyond(metric, value))).toHaveLength(2);
    }
    expect(
      limitOf(
        "higher",
        Array.from({ length: 20 }, () => 5),
      ),
    ).toBe(5);
    expect(limitOf("higher", values.slice(0, 19)), "of too few").toBeUndefined();
  });
});

describe("a device stands", () => {
  it("on a side only if the rollout has updated it, or has not begun to", () => {
    expect(sideOf({ state: "confirmed", offeredAt: 1 })).toBe("updated");
    expect(sideOf({ state: "confirmed", offeredAt: null }), "it had the image before").toBe("neither");
    expect([sideOf({ state: "queued", offeredAt: null }), sideOf({ state: "unreached", offeredAt: null })]).toEqual([
      "others",
      "others",
    ]);
    for (const state of ["offered", "downloading", "testing", "rolled-back", "cancelled", "timed-out"] as const)
      expect(sideOf({ state, offeredAt: 1 })).toBe("neither");
  });
});

const bad = withLook(noEvidence, { updated: { atRisk: 40, failed: 12 }, others: { atRisk: 400, failed: 3 } });

const rolloutWith = (evidence: Evidence, change: Partial<RolloutSnapshot> = {}): RolloutSnapshot => ({
  ...standingRollout,
  currentWave: 0,
  rules: [rule({ soakMs: 1_000 }), rule({ soakMs: 1_000 })],
  soakUntil: 500,
  waves: [
    { ...emptyTally(40), finished: 40, succeeded: 40 },
    { ...emptyTally(400), waiting: 400 },
  ],
  counts: noCounts(),
  health: {
    errorRate: 0.01,
    action: "pause",
    tests: [{ metric: { kind: "crashes" }, evidence, atRisk: { updated: 28, others: 397 }, lookedAt: 1 }],
  },
  ...change,
});

const step = (rollout: RolloutSnapshot, event: RolloutEvent, steadyMs: number) =>
  stepAt(rollout, event, { steadyMs, wallMs: steadyMs });

describe("the gate", () => {
  const looked: RolloutEvent = { type: "health-looked-at" };

  it("pauses the rollout with the numbers, and ends the soak", () => {
    const { rollout, decisions } = step(rolloutWith(bad), looked, 400);
    const reason = "12 of 40 updated devices crashed, and 3 of 400 others: 40 times as often";
    expect(rollout).toMatchObject({ state: "paused", pauseReason: reason });
    expect(decisions).toEqual([
      expect.stringMatching(
        /^paused automatically: .*: 40 times as often; evidence of \d+ to 1 against chance \(100 to 1 are asked for, by an error rate of 1 %\)$/,
      ),
    ]);
  });

  it("does more where the rollout says so", () => {
    const withAction = (action: "abort" | "roll-back-all") =>
      step(rolloutWith(bad, { health: { ...rolloutWith(bad).health!, action } }), looked, 400);
    expect(withAction("abort")).toMatchObject({ rollout: { state: "cancelled" }, withdraw: "cancel" });
    const { rollout, rollBack, decisions } = withAction("roll-back-all");
    expect([rollout.state, rollBack]).toEqual(["rolled-back", { wave: undefined }]);
    expect(decisions[0]).toMatch(/^rolled back automatically: 12 of 40 updated devices crashed/);
  });

  it("holds the next wave back also when the soak ends in the same moment", () => {
    const { rollout, newDeadline } = step(rolloutWith(bad), { type: "time-passed" }, 500);
    expect([rollout.state, rollout.currentWave, newDeadline]).toEqual(["paused", undefined, undefined]);
  });

  it("lets the next wave begin where nothing speaks against it", () => {
    expect(step(rolloutWith(noEvidence), { type: "time-passed" }, 500).rollout).toMatchObject({ currentWave: 1 });
    expect(step(rolloutWith(bad, { health: null }), { type: "time-passed" }, 500).rollout).toMatchObject({
      currentWave: 1,
    });
  });

  it("asks for more where several metrics are watched, so that the error rate is that of all", () => {
    const evidence = withLook(noEvidence, { updated: { atRisk: 6, failed: 5 }, others: { atRisk: 18, failed: 0 } });
    // Twice as much as one test needs, and two thirds of what three do.
    const errorRate = 2 / Math.exp(logOdds(evidence));
    const [crashes] = rolloutWith(evidence).health!.tests;
    const reconnects = [5, 6].map((atLeast) => ({
      ...crashes!,
      metric: { kind: "reconnects" as const, atLeast, withinMs: 60_000 },
      evidence: noEvidence,
    }));
    const stateOf = (tests: HealthTestSnapshot[]) =>
      step(rolloutWith(evidence, { health: { errorRate, action: "pause", tests } }), looked, 400).rollout.state;
    expect(stateOf([crashes!])).toBe("paused");
    expect(stateOf([crashes!, ...reconnects])).toBeUndefined();
  });

  it("begins anew when somebody resumes, and only then", () => {
    const paused = rolloutWith(bad, { state: "paused", soakUntil: null });
    expect(step(paused, looked, 400).rollout).toEqual({});
    const { rollout, decisions } = step(paused, { type: "resume", by: "ann" }, 400);
    expect(decisions[1]).toBe(
      "accepted with it: 12 of 40 updated devices crashed, and 3 of 400 others: 40 times as often; counting begins anew",
    );
    expect(rollout).toMatchObject({ state: "running", health: { tests: [{ evidence: noEvidence }] } });
    const some = withLook(noEvidence, { updated: { atRisk: 40, failed: 1 }, others: { atRisk: 400, failed: 0 } });
    const harmless = rolloutWith(some, { state: "paused", soakUntil: null });
    expect(
      step(harmless, { type: "resume", by: "ann" }, 400).rollout.health,
      "what has not failed goes on",
    ).toBeUndefined();
  });
});
