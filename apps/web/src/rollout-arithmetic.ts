// The arithmetic of rollouts: how many devices a wave has, how far a deployment or a rollout is. Pure.

import type { Deployment, RolloutSummary, StateCounts, WaveProgress, WaveSpec } from "./api/types.ts";
import { type DeploymentStateName, deploymentStateNames, isFinalState } from "./format.ts";

/**
 * Devices in each wave for a target of `total` devices. Sizes add up to `total`: a wave takes no more than is left, and
 * what the given waves leave over is one more wave at the end. A percentage is of the whole target, rounded up, so that a
 * wave of 1 % of ten devices has one. Waves that end up with no device are kept, as 0, so that an index stays a wave.
 */
export function waveSizes(specs: readonly WaveSpec[], total: number): number[] {
  let left = total;
  const sizes = specs.map((spec) => {
    const wanted = "percent" in spec ? Math.ceil((total * spec.percent) / 100) : spec.count;
    const size = Math.min(left, Math.max(0, wanted));
    left -= size;
    return size;
  });
  if (left > 0) sizes.push(left);
  return sizes;
}

/** What is wrong with a wave as typed, or undefined. */
export function waveProblem(spec: WaveSpec): string | undefined {
  if ("percent" in spec) {
    return spec.percent > 0 && spec.percent <= 100 ? undefined : "Give a percentage above 0, up to 100.";
  }
  return Number.isInteger(spec.count) && spec.count >= 1 ? undefined : "Give a whole number of devices, 1 or more.";
}

// Where a step stands on the way to `confirmed`. Download is the long part on a real link, so it has most of the bar.
const stepStart: Partial<Record<DeploymentStateName, number>> = {
  queued: 0,
  offered: 0.02,
  downloading: 0.05,
  verifying: 0.75,
  installed: 0.8,
  rebooting: 0.85,
  testing: 0.9,
  confirmed: 1,
};

/** How far a deployment is, 0 to 1; undefined when it ended without success. */
export function deploymentPart(deployment: Pick<Deployment, "state" | "done" | "total">): number | undefined {
  const start = stepStart[deployment.state];
  if (start === undefined || deployment.state !== "downloading") return start;
  return start + (stepStart.verifying! - start) * downloadedPart(deployment);
}

/** Part of the image that the device has, 0 to 1. */
export function downloadedPart({ done, total }: Pick<Deployment, "done" | "total">): number {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
}

export type Outcome = "succeeded" | "unsuccessful" | "under-way" | "waiting" | "withdrawn";

/** Which of the five groups that a rollout's bar shows a state belongs to. */
export function outcomeOf(state: DeploymentStateName): Outcome {
  if (state === "confirmed") return "succeeded";
  if (state === "queued") return "waiting";
  if (state === "cancelled") return "withdrawn";
  return isFinalState(state) ? "unsuccessful" : "under-way";
}

export type OutcomeCounts = Record<Outcome, number>;

export function outcomeCounts(counts: Partial<StateCounts>): OutcomeCounts {
  const sums: OutcomeCounts = { succeeded: 0, unsuccessful: 0, "under-way": 0, waiting: 0, withdrawn: 0 };
  for (const state of deploymentStateNames) sums[outcomeOf(state)] += counts[state] ?? 0;
  return sums;
}

/** Part of the devices that run the new image and have proven it, as whole percent; 100 only when all of them do. */
export function succeededPercent({ counts, total }: Pick<RolloutSummary, "counts" | "total">): number {
  return wholePercent(counts.confirmed, total);
}

/** Whole percent of `part` in `whole`: rounded down, so that 100 means all; above 0 whenever `part` is. */
export function wholePercent(part: number, whole: number): number {
  if (whole <= 0 || part <= 0) return 0;
  if (part >= whole) return 100;
  return Math.max(1, Math.floor((part / whole) * 100));
}

/**
 * Of a wave's finished devices, the part that failed, in whole percent, as the server's gate counts it: those that were
 * cancelled count neither way. Undefined while none has finished.
 */
export function failedPercent({ finished, succeeded, cancelled }: Pick<WaveProgress, "finished" | "succeeded" | "cancelled">): number | undefined {
  const counted = finished - cancelled;
  return counted > 0 ? Math.round(((counted - succeeded) / counted) * 100) : undefined;
}

/** The wave that a rollout is in: the running one, else the first that waits, else the last. */
export function currentWave(waves: readonly WaveProgress[]): WaveProgress | undefined {
  return waves.find((wave) => wave.state === "running") ?? waves.find((wave) => wave.state === "waiting") ?? waves.at(-1);
}
