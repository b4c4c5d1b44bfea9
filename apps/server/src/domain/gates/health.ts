// Updated devices fail more often than those that wait for their update, by more than chance (docs/health-gate.md).

import { failureText } from "../health/metrics.ts";
import { estimatedRatio, logOdds, logOddsNeeded, noEvidence } from "../health/sequential-test.ts";
import type { HealthTestSnapshot, RolloutSnapshot } from "../snapshots.ts";
import { type Gate, holds } from "./gate.ts";

type Health = NonNullable<RolloutSnapshot["health"]>;

const isTooHigh = ({ errorRate, tests }: Health, { evidence }: HealthTestSnapshot): boolean =>
  logOdds(evidence) >= logOddsNeeded(errorRate, tests.length);

/** Odds beyond these are told as these. */
const oddsMax = 1e9;

export const oddsOf = ({ evidence }: Pick<HealthTestSnapshot, "evidence">): number =>
  Math.min(oddsMax, Math.exp(logOdds(evidence)));

export const oddsNeeded = ({ errorRate, tests }: Health): number => Math.exp(logOddsNeeded(errorRate, tests.length));

/** Two digits that count, as people say it. */
const rounded = (value: number): string => String(Number(value.toPrecision(2)));

function shares({ metric, evidence, atRisk }: HealthTestSnapshot): string {
  const { failed } = evidence;
  const others = `${failed.others === 0 ? "none" : failed.others} of ${failed.others + atRisk.others} others`;
  const ratio = estimatedRatio(evidence);
  const often = Number.isFinite(ratio) ? `: ${rounded(ratio)} times as often` : "";
  return `${failed.updated} of ${failed.updated + atRisk.updated} updated devices ${failureText(metric)}, and ${others}${often}`;
}

export const health: Gate = ({ health }) => {
  const bad = health?.tests.find((test) => isTooHigh(health, test));
  if (health === null || bad === undefined) return holds;
  const reason = shares(bad);
  const asked = `${rounded(oddsNeeded(health))} to 1 are asked for, by an error rate of ${rounded(health.errorRate * 100)} %`;
  return {
    kind: "fails",
    action: health.action,
    reason,
    numbers: `${reason}; evidence of ${rounded(oddsOf(bad))} to 1 against chance (${asked})`,
  };
};

/** An operator accepts what was seen: tests that have failed begin anew. */
export function acceptedHealth(health: RolloutSnapshot["health"]): {
  change: Partial<Pick<RolloutSnapshot, "health">>;
  decisions: string[];
} {
  const failed = health?.tests.filter((test) => isTooHigh(health, test)) ?? [];
  if (health === null || failed.length === 0) return { change: {}, decisions: [] };
  const tests = health.tests.map((test) => (failed.includes(test) ? { ...test, evidence: noEvidence } : test));
  return {
    change: { health: { ...health, tests } },
    decisions: failed.map((test) => `accepted with it: ${shares(test)}; counting begins anew`),
  };
}
