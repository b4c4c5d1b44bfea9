// The sequential test of the health gate: its arithmetic, and its error rate and power in rollouts by chance alone.
// `npm run bench -- --health-gate` does the same with ten thousand rollouts for each world.

import { describe, expect, it } from "vitest";
import {
  estimatedRatio,
  type Look,
  logOdds,
  logOddsNeeded,
  noEvidence,
  rateRatios,
  withLook,
} from "../../src/domain/health/sequential-test.ts";
import { Random, seed } from "../random.ts";
import { type SimulatedWorld, simulateRollout } from "./simulated-rollout.ts";
import { harmful, harmless, loopCountedByEvents } from "./worlds.ts";

const ERROR_RATE = 0.01;
const ROLLOUTS = 300;
/** A bound is set so that chance alone passes it once in a thousand million runs. */
const FLAKINESS_MAX = 1e-9;

const look = (updated: [failed: number, atRisk: number], others: [failed: number, atRisk: number]): Look => ({
  updated: { failed: updated[0], atRisk: updated[1] },
  others: { failed: others[0], atRisk: others[1] },
});

/** Fewest of `trials` that more than that are seen of with a probability of at most `FLAKINESS_MAX`. */
function highestOf(trials: number, probability: number): number {
  let [term, below, count] = [(1 - probability) ** trials, 0, 0];
  for (; count < trials; count++) {
    below += term;
    if (1 - below <= FLAKINESS_MAX) break;
    term *= ((trials - count) / (count + 1)) * (probability / (1 - probability));
  }
  return count;
}

const lowestOf = (trials: number, probability: number): number => trials - highestOf(trials, 1 - probability);

function foundIn(world: SimulatedWorld, rollouts: number, random: Random): number {
  let found = 0;
  for (let each = 0; each < rollouts; each++) if (simulateRollout(world, ERROR_RATE, random).isFound) found++;
  return found;
}

describe("the evidence", () => {
  it("of one failed device is the likelihood ratio of a weighed draw", () => {
    const { logLikelihoodRatios } = withLook(noEvidence, look([1, 40], [0, 360]));
    rateRatios.forEach((ratio, index) => {
      expect(Math.exp(logLikelihoodRatios[index]!)).toBeCloseTo(ratio / (0.1 * ratio + 0.9), 9);
    });
    const other = withLook(noEvidence, look([0, 40], [1, 360]));
    expect(Math.exp(other.logLikelihoodRatios[0]!)).toBeCloseTo(1 / (0.1 * 1.25 + 0.9), 9);
  });

  it("of a draw that chance made is 1 on average, for any numbers of devices", () => {
    const random = new Random(seed);
    for (let round = 0; round < 200; round++) {
      const [updated, others] = [random.below(30) + 1, random.below(30) + 1];
      const failed = random.below(updated + others + 1);
      let [sum, total, ways] = [rateRatios.map(() => 0), 0, 1];
      const fewest = Math.max(0, failed - others);
      for (let drawn = fewest; drawn <= Math.min(updated, failed); drawn++) {
        const { logLikelihoodRatios } = withLook(noEvidence, look([drawn, updated], [failed - drawn, others]));
        sum = sum.map((each, index) => each + ways * Math.exp(logLikelihoodRatios[index]!));
        total += ways;
        ways *= ((updated - drawn) * (failed - drawn)) / ((drawn + 1) * (others - failed + drawn + 1));
      }
      for (const each of sum)
        expect(each / total, `FLIPSIDE_SEED=${seed}, ${failed} of ${updated} + ${others}`).toBeCloseTo(1, 6);
    }
  });

  it("is nothing where nobody failed, where nobody is updated, and where everybody is", () => {
    expect(withLook(noEvidence, look([0, 40], [0, 360]))).toBe(noEvidence);
    expect(logOdds(withLook(noEvidence, look([0, 0], [5, 360])))).toBeCloseTo(0, 9);
    expect(logOdds(withLook(noEvidence, look([5, 360], [0, 0])))).toBeCloseTo(0, 9);
  });

  it("stays finite where thousands fail at once", () => {
    const evidence = withLook(noEvidence, look([4_000, 50_000], [200, 50_000]));
    expect(logOdds(evidence)).toBeGreaterThan(1_000);
    expect(estimatedRatio(evidence)).toBeCloseTo(20, 6);
    expect(logOdds(withLook(noEvidence, look([200, 50_000], [4_000, 50_000])))).toBeLessThan(0);
  });

  it("compares within looks: a bad hour in which most were updated is nobody's fault", () => {
    const quiet = withLook(noEvidence, look([1, 10], [99, 990]));
    const badHour = withLook(quiet, look([450, 900], [50, 100]));
    expect(logOdds(badHour)).toBeLessThan(0);
    expect(estimatedRatio(badHour)).toBeCloseTo(1, 9);
  });

  it("needs no failure of the others: three of ten canaries, and none of 990, are enough", () => {
    let evidence = noEvidence;
    for (const atRisk of [10, 9]) evidence = withLook(evidence, look([1, atRisk], [0, 990]));
    expect(logOdds(evidence)).toBeLessThan(logOddsNeeded(ERROR_RATE, 1));
    evidence = withLook(evidence, look([1, 8], [0, 990]));
    expect(logOdds(evidence)).toBeGreaterThan(logOddsNeeded(ERROR_RATE, 1));
    expect(estimatedRatio(evidence)).toBe(Infinity);
  });

  it("refuses more failed devices than there were", () => {
    expect(() => withLook(noEvidence, look([2, 1], [0, 1]))).toThrow("2 of 1 updated devices failed");
  });
});

describe("looked at after every failure", () => {
  const highest = highestOf(ROLLOUTS, ERROR_RATE);

  for (const [name, world] of Object.entries(harmless))
    it(`it raises no more false alarms than it says: ${name}`, () => {
      const found = foundIn(world, ROLLOUTS, new Random(seed));
      expect(found, `FLIPSIDE_SEED=${seed}: of ${ROLLOUTS} rollouts`).toBeLessThanOrEqual(highest);
    });

  it("it finds what is there", () => {
    // Of ten thousand rollouts the bench finds all of ratio 10 and of ratio 3, and nineteen of twenty of ratio 2.
    for (const [ratio, atLeast] of [
      [10, 0.99],
      [3, 0.99],
      [2, 0.9],
    ] as const) {
      const found = foundIn(harmful(ratio), 60, new Random(seed));
      expect(found, `FLIPSIDE_SEED=${seed}: ratio ${ratio}`).toBeGreaterThanOrEqual(lowestOf(60, atLeast));
    }
  });

  it("it would cry wolf if it counted failures instead of devices: these worlds can tell", () => {
    const found = foundIn(loopCountedByEvents, 1_000, new Random(seed));
    expect(found, `FLIPSIDE_SEED=${seed}: of 1,000 rollouts`).toBeGreaterThan(highestOf(1_000, ERROR_RATE));
  });
});
