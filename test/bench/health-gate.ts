// What the health gate's test is worth: how often it raises a false alarm, and how soon it finds what is there, in
// simulated rollouts that are looked at after every failure.

import { type SimulatedWorld, simulateRollout } from "../../apps/server/test/health/simulated-rollout.ts";
import { harmful, harmless, loopCountedByEvents } from "../../apps/server/test/health/worlds.ts";
import { Random } from "../../apps/server/test/random.ts";
import { spreadOf } from "./statistics.ts";

export const HEALTH_ERROR_RATE = 0.01;
export const HEALTH_ROLLOUTS = 10_000;
const SEED = 1;
const DETECTION_ROLLOUTS = 2_000;
const ratios = [1.5, 2, 3, 10];

export interface HealthGateFigures {
  rollouts: number;
  errorRate: number;
  /** Share of the rollouts, by world. */
  falseAlarms: Record<string, number>;
  /** What it would be if each failure counted, and one device fails again and again. */
  falseAlarmsCountingEvents: number;
  /** By how many times as often updated devices fail: share of the rollouts; devices that had failed, medians. */
  found: Record<string, { share: number; failed: number; failedUpdated: number }>;
}

function share(world: SimulatedWorld): number {
  const random = new Random(SEED);
  let found = 0;
  for (let each = 0; each < HEALTH_ROLLOUTS; each++)
    if (simulateRollout(world, HEALTH_ERROR_RATE, random).isFound) found++;
  return found / HEALTH_ROLLOUTS;
}

function detection(ratio: number): HealthGateFigures["found"][string] {
  const random = new Random(SEED);
  const outcomes = Array.from({ length: DETECTION_ROLLOUTS }, () =>
    simulateRollout(harmful(ratio), HEALTH_ERROR_RATE, random),
  );
  const found = outcomes.filter(({ isFound }) => isFound).map(({ failed }) => failed);
  return {
    share: found.length / DETECTION_ROLLOUTS,
    failed: spreadOf(found.map(({ updated, others }) => updated + others)).median,
    failedUpdated: spreadOf(found.map(({ updated }) => updated)).median,
  };
}

export const measureHealthGate = (): HealthGateFigures => ({
  rollouts: HEALTH_ROLLOUTS,
  errorRate: HEALTH_ERROR_RATE,
  falseAlarms: Object.fromEntries(Object.entries(harmless).map(([name, world]) => [name, share(world)])),
  falseAlarmsCountingEvents: share(loopCountedByEvents),
  found: Object.fromEntries(ratios.map((ratio) => [ratio, detection(ratio)])),
});
