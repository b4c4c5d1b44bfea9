// Properties of the rollout engine, over histories that fast-check makes and, where one fails, makes smaller.

import { failuresOf, isSettled } from "@flipside/api/rollout-arithmetic";
import type { WaveRules } from "@flipside/api/types";
import { isFinalState } from "@flipside/image-format";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RolloutEvent } from "../src/domain/rollout-events.ts";
import { isOfferDue, offersPerHour } from "../src/domain/offer-rate.ts";
import { underWay } from "../src/domain/snapshots.ts";
import { Model } from "./engine-model.ts";
import { seed } from "./random.ts";

const runs = { seed, numRuns: 300 };
console.log(`FLIPSIDE_SEED=${seed}`);

const totals = fc
  .array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 })
  .filter((of) => of.some((n) => n > 0));
const waveRules: fc.Arbitrary<Partial<WaveRules>> = fc.record({
  failureThresholdPercent: fc.constantFrom(0, 20, 50, 100),
  minimumSample: fc.constantFrom(1, 2, 5),
  thresholdAction: fc.constantFrom("pause", "abort", "roll-back-wave", "roll-back-all"),
  soakMs: fc.constantFrom(0, 30),
  underWayMax: fc.constantFrom(null, 1, 2),
  approval: fc.boolean(),
  rate: fc.constantFrom(null, { perHour: 3_600_000 / 5, growthFactor: 1, growthConfirmed: 1, perHourMax: 3_600_000 }),
});

/** What happens to a device, or to the rollout, drawn by numbers: who it is of depends on the model. */
type Happening = { what: number; who: number; afterMs: number };
const happening: fc.Arbitrary<Happening> = fc.record({
  what: fc.nat(15),
  who: fc.nat(63),
  afterMs: fc.constantFrom(0, 0, 1, 7, 40, 120),
});
const history = fc.array(happening, { maxLength: 80 });

function happen(model: Model, { what, who, afterMs }: Happening): void {
  model.now += afterMs;
  const { id } = model.deployments[who % model.deployments.length]!;
  const deployment = { ...model.get(id) };
  const events: RolloutEvent[] = [
    { type: "time-passed" },
    { type: "pause", by: "ann" },
    { type: "resume", by: "ann" },
    { type: "approve", by: "bob" },
    { type: "superseded", deployment, why: "runs 3" },
    { type: "retry", by: "ann", of: [deployment] },
    { type: "exclude", by: "ann", of: [deployment] },
  ];
  if (what < 4) model.offer(id);
  else if (what === 4) model.report(id, "downloading");
  else if (what === 5) model.report(id, "failed", 60);
  else if (what === 6) model.rollBack(id);
  else if (what === 7) model.late(id, who % 3 === 0);
  else if (what < 11) model.confirm(id);
  else model.apply(events[(what + who) % events.length]!);
}

const modelOf = (of: number[], rules: Partial<WaveRules>[]): Model =>
  new Model(
    of,
    of.map((_, wave) => rules[wave % rules.length]!),
  );
const someRules = fc.array(waveRules, { minLength: 1, maxLength: 4 });

describe("whatever happens", () => {
  it("no wave starts before the one before is settled, its gate holds, and the next one is approved", () => {
    fc.assert(
      fc.property(totals, someRules, history, (of, rules, happenings) => {
        const model = modelOf(of, rules);
        for (const each of happenings) {
          const before = model.snapshot();
          happen(model, each);
          const after = model.snapshot();
          for (let wave = before.currentWave; wave < after.currentWave; wave++) {
            if (wave >= 0) expect(isSettled(after.waves[wave]!), "settled").toBe(true);
            const approved = after.approvals.some((approval) => approval.wave === wave + 1);
            expect(after.rules[wave + 1]!.approval && !approved, "approved").toBe(false);
          }
        }
      }),
      runs,
    );
  });

  it("a threshold is overshot by no more than what was under way when it was crossed", () => {
    fc.assert(
      fc.property(totals, someRules, history, (of, rules, happenings) => {
        const model = modelOf(of, rules);
        let mayFailYet = Infinity;
        for (const each of happenings) {
          const before = model.snapshot();
          happen(model, each);
          const after = model.snapshot();
          const failed = ({ waves }: typeof after): number =>
            waves.reduce((sum, wave) => sum + failuresOf(wave).failed, 0);
          // A success that did not last is no new device; one that came back late is.
          const confirmedLess = Math.max(0, before.counts.confirmed - after.counts.confirmed);
          const offeredLate = Math.max(0, before.counts.unreached - after.counts.unreached);
          if (before.state !== "running") mayFailYet -= Math.max(0, failed(after) - failed(before) - confirmedLess);
          if (before.state === "completed") mayFailYet += offeredLate;
          if (before.state === "running" && after.state !== "running") mayFailYet = underWay(after);
          if (after.state === "running") mayFailYet = Infinity;
          expect(mayFailYet, "failed after the stop, of those that were at it").toBeGreaterThanOrEqual(0);
        }
      }),
      runs,
    );
  });

  it("a rollout that does not run makes no offers and starts no wave", () => {
    fc.assert(
      fc.property(totals, someRules, history, (of, rules, happenings) => {
        const model = modelOf(of, rules);
        for (const each of happenings) {
          const before = model.snapshot();
          const offered = before.counts.offered;
          happen(model, each);
          const after = model.snapshot();
          if (before.state === "running" || after.state === "running") continue;
          // Resumed, and over in the same moment: its later waves have no device.
          if (before.state === "paused" && after.state === "completed") continue;
          expect(after.currentWave).toBe(before.currentWave);
          const isLate = before.state === "completed" && before.counts.unreached > after.counts.unreached;
          if (!isLate) expect(after.counts.offered).toBeLessThanOrEqual(offered);
        }
      }),
      runs,
    );
  });

  it("played again, the same history ends in the same state, word for word", () => {
    fc.assert(
      fc.property(totals, someRules, history, (of, rules, happenings) => {
        const [one, other] = [modelOf(of, rules), modelOf(of, rules)];
        for (const model of [one, other]) for (const each of happenings) happen(model, each);
        expect(other.snapshot()).toEqual(one.snapshot());
        expect(other.decisions).toEqual(one.decisions);
      }),
      runs,
    );
  });

  it("every deployment ends in bounded time, once people and devices do their part or are gone", () => {
    fc.assert(
      fc.property(totals, someRules, history, fc.boolean(), (of, rules, happenings, areThere) => {
        const model = modelOf(of, rules);
        for (const each of happenings) happen(model, each);
        for (let round = 0; round < 60; round++) {
          model.now += 1_000;
          for (const event of ["resume", "approve"] as const) model.apply({ type: event, by: "bob" });
          for (const { id, state } of model.deployments.map((each) => ({ ...each }))) {
            if (areThere) {
              model.offer(id);
              model.confirm(id);
            } else if (state === "unreached")
              model.apply({ type: "late-offers-expired", deployment: { ...model.get(id) } });
            else model.late(id);
          }
          model.apply({ type: "time-passed" });
        }
        expect(["completed", "cancelled", "rolled-back"]).toContain(model.rollout.state);
        // Withdrawn ones that are past the point of no return go on to their own end, which may be a time-out.
        for (const { id } of model.deployments) model.late(id);
        const open = model.deployments.filter(({ state }) => !isFinalState(state) && state !== "unreached");
        expect(open.map(({ id, state }) => `${id} ${state}`)).toEqual([]);
      }),
      runs,
    );
  });
});

describe("devices that are independent", () => {
  it("end alike in whatever order their outcomes come, where no gate fails", () => {
    const outcomes = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        outcomes.chain((ends) =>
          fc.tuple(fc.constant(ends), fc.shuffledSubarray([...ends.keys()], { minLength: ends.length })),
        ),
        ([ends, order]) => {
          const play = (indexes: number[]): Model => {
            const model = new Model([ends.length], { failureThresholdPercent: 100 });
            for (const index of ends.keys()) model.offer(`0.${index}`);
            for (const index of indexes) {
              if (ends[index]) model.confirm(`0.${index}`);
              else model.report(`0.${index}`, "failed", 60);
            }
            return model;
          };
          const [one, other] = [play([...ends.keys()]), play(order)];
          expect(other.snapshot()).toEqual(one.snapshot());
          expect(other.decisions.at(-1)).toBe(one.decisions.at(-1));
        },
      ),
      runs,
    );
  });
});

describe("a rate", () => {
  it("is kept over any stretch of time, whenever devices ask", () => {
    const asks = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 7_200 }), (gaps, perHour) => {
        const rate = { perHour, growthFactor: 1, growthConfirmed: 1, perHourMax: perHour };
        const model = new Model([gaps.length], { rate });
        const offeredAt: number[] = [];
        for (const [index, gap] of gaps.entries()) {
          model.now += gap;
          const due = isOfferDue(model.rollout.nextOfferAt, model.now);
          expect(model.offer(`0.${index}`).refused === undefined).toBe(due);
          if (due) offeredAt.push(model.now);
        }
        const spacingMs = 3_600_000 / offersPerHour(rate, 0);
        for (const [first, from] of offeredAt.entries())
          for (const [last, to] of offeredAt.entries())
            if (last > first)
              // Rounded to a millisecond for each.
              expect(last - first).toBeLessThanOrEqual((to - from + 10_000 + (last - first)) / spacingMs + 1);
      }),
      runs,
    );
  });
});
