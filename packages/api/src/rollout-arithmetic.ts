// The arithmetic of rollouts: how many devices a wave has, what counts as what, how far a deployment or a rollout is.
// Pure. The server decides by it and the console shows it, so both say the same.

import { type DeploymentStateName, deploymentStateNames, isFinalState } from "@flipside/image-format/state-names";
import { waveDevicesMax } from "./limits.ts";
import type { Deployment, RolloutSummary, StateCounts, WaveProgress, WaveSpec, WaveState } from "./types.ts";

/**
 * Devices in each wave for a target of `total` devices. Sizes add up to `total`: a wave takes no more than is left,
 * and what the given waves leave over is one more wave at the end. A percentage is of the whole target and says how far
 * it has come with that wave, as people say 5 / 25 / 100; rounded up, so that a wave of 1 % of ten devices has one.
 * Waves that end up with no device are kept, as 0, so that an index stays a wave.
 */
export const waveSizes = (specs: readonly WaveSpec[], total: number): number[] =>
  dealtInWaves(
    specs,
    Array.from({ length: total }, (_, place) => place),
    () => true,
  ).map(({ length }) => length);

/** How many a wave wants; `taken`: those that the waves before it have. */
function wantedBy(spec: WaveSpec, total: number, taken: number): number {
  if ("percent" in spec) return Math.max(0, Math.ceil((total * spec.percent) / 100) - taken);
  return "count" in spec ? spec.count : Number.POSITIVE_INFINITY;
}

type OwnSize = { percent: number } | { count: number };

/**
 * Devices in each wave after those that have begun, as `waveSizes` has it: percentages are of the whole target, with
 * all that the waves before have. What the given ones leave over is one more wave. A size of 0: nothing is left for it.
 */
export function laterWaveSizes(
  specs: readonly OwnSize[],
  { total, begun }: { total: number; begun: number },
): number[] {
  let taken = begun;
  const sizes = specs.map((spec) => {
    const size = Math.min(total - taken, wantedBy(spec, total, taken));
    taken += size;
    return size;
  });
  return taken < total ? [...sizes, total - taken] : sizes;
}

/**
 * The devices of each wave. A wave takes, in this order, of those that the waves before it have left; one with a
 * filter only such as it means: all of them, or as many as its count says. What all leave over is one more wave.
 */
export function dealtInWaves<T>(
  specs: readonly WaveSpec[],
  inOrder: readonly T[],
  means: (wave: number, device: T) => boolean,
): T[][] {
  let left = inOrder;
  const waves = specs.map((spec, wave) => {
    const wanted = wantedBy(spec, inOrder.length, inOrder.length - left.length);
    if (filterOf(spec) === undefined) {
      const taken = left.slice(0, wanted);
      left = left.slice(taken.length);
      return taken;
    }
    const taken: T[] = [];
    const others: T[] = [];
    for (const device of left) (taken.length < wanted && means(wave, device) ? taken : others).push(device);
    left = others;
    return taken;
  });
  return left.length > 0 ? [...waves, [...left]] : waves;
}

/** The filter that a wave's devices are to be as; undefined: it is for any. */
export const filterOf = (spec: WaveSpec): string | undefined => ("filter" in spec ? spec.filter : undefined);

/** Index of the first wave whose percentage is not above one before it; it would have no device. */
export function notRising(specs: readonly WaveSpec[]): number | undefined {
  let reached = 0;
  for (const [index, spec] of specs.entries()) {
    if (!("percent" in spec)) continue;
    if (spec.percent <= reached) return index;
    reached = spec.percent;
  }
  return undefined;
}

/** What is wrong with each of the waves as typed. */
export function waveProblems(specs: readonly WaveSpec[]): (string | undefined)[] {
  const index = notRising(specs);
  return specs.map(
    (spec, at) =>
      waveProblem(spec) ??
      (at === index ? "Give a higher percentage than the waves before: it is of all devices, with theirs." : undefined),
  );
}

/**
 * What is wrong with a wave as typed, or undefined: what the schema of the request refuses (resources/rollouts.ts), in
 * words.
 */
export function waveProblem(spec: WaveSpec): string | undefined {
  if ("percent" in spec) {
    return spec.percent > 0 && spec.percent <= 100 ? undefined : "Give a percentage above 0, up to 100.";
  }
  if (filterOf(spec)?.trim() === "") return "Write a filter, such as tag = canary.";
  return "count" in spec ? deviceCountProblem(spec.count) : undefined;
}

/** The same of a number of devices: a wave's, or of those that a gate wants to see. */
export const deviceCountProblem = (devices: number): string | undefined =>
  Number.isInteger(devices) && devices >= 1 && devices <= waveDevicesMax
    ? undefined
    : "Give a whole number of devices, 1 or more.";

// Where a step stands on the way to `confirmed`. Download is the long part on a real link, so it has most of the bar.
const stepStart: Partial<Record<DeploymentStateName, number>> = {
  queued: 0,
  unreached: 0,
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
  if (state === "queued" || state === "unreached") return "waiting";
  if (state === "cancelled") return "withdrawn";
  return isFinalState(state) ? "unsuccessful" : "under-way";
}

/** Every state, counted as none. */
export const noCounts = (): StateCounts =>
  Object.fromEntries(deploymentStateNames.map((state) => [state, 0])) as StateCounts;

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

/** What a wave has come to. */
export type WaveTally = Pick<WaveProgress, "total" | "finished" | "succeeded" | "cancelled" | "waiting" | "unreached">;

export const emptyTally = (total: number): WaveTally => ({
  total,
  finished: 0,
  succeeded: 0,
  cancelled: 0,
  waiting: 0,
  unreached: 0,
});

/** Counts deployments in this state into a wave's tally, or out of it. */
export function countInto(tally: WaveTally, state: DeploymentStateName, count: number): void {
  if (isFinalState(state)) tally.finished += count;
  if (state === "confirmed") tally.succeeded += count;
  if (state === "cancelled") tally.cancelled += count;
  if (state === "queued") tally.waiting += count;
  if (state === "unreached") tally.unreached += count;
}

type Finished = Pick<WaveTally, "finished" | "succeeded" | "cancelled">;

/**
 * Of a wave's finished deployments, those that failed, and those that count at all: what was cancelled counts neither
 * way, since nothing was learned from it.
 */
export function failuresOf({ finished, succeeded, cancelled }: Finished): { failed: number; counted: number } {
  return { failed: finished - succeeded - cancelled, counted: finished - cancelled };
}

/** Whether a wave waits for nothing: each of its deployments is final, or its device was not reached. */
export const isSettled = ({ total, finished, unreached }: WaveTally): boolean => finished + unreached >= total;

/** A share of failures in whole percent; undefined while nothing counts. */
export const sharePercent = ({ failed, counted }: { failed: number; counted: number }): number | undefined =>
  counted > 0 ? Math.round((failed / counted) * 100) : undefined;

/** Of a wave's finished devices, the part that failed, in whole percent. Undefined while none has finished. */
export const failedPercent = (wave: Finished): number | undefined => sharePercent(failuresOf(wave));

/**
 * How a wave stands in a rollout whose waves up to `currentWave` have started. One without devices is done once it is
 * passed.
 */
export function waveStateOf(tally: WaveTally, index: number, currentWave: number): WaveState {
  const started = index <= currentWave;
  if (isSettled(tally) && (started || tally.total > 0)) return "done";
  return started ? "running" : "waiting";
}

type InWaves = Pick<RolloutSummary, "currentWave" | "soakUntil" | "waves">;

/**
 * The wave that a rollout is in. States of waves don't tell: one before it runs again when a device that was away comes
 * back, and one after it is done when its devices had the image already.
 */
export const currentWave = ({ waves, currentWave: index }: Omit<InWaves, "soakUntil">): WaveProgress | undefined =>
  waves[index];

/** The wave that has finished and is watched before the next one starts, or the rollout ends. */
export const watchedWave = (rollout: InWaves): WaveProgress | undefined =>
  rollout.soakUntil === null ? undefined : currentWave(rollout);
