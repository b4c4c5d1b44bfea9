// What is wrong with waves as they are typed: what @flipside/api/rollout-arithmetic finds, in the language that was
// chosen.

import { t } from "@lingui/core/macro";
import * as arithmetic from "@flipside/api/rollout-arithmetic";
import type { WaveSpec } from "@flipside/api/types";

const deviceCountWanted = t`Give a whole number of devices, 1 or more.`;

const sizeWanted = (spec: WaveSpec): string => {
  if ("percent" in spec) return t`Give a percentage above 0, up to 100.`;
  return arithmetic.filterOf(spec)?.trim() === "" ? t`Write a filter, such as tag = canary.` : deviceCountWanted;
};

/** Of each wave, or undefined. */
export const waveProblems = (specs: readonly WaveSpec[]): (string | undefined)[] =>
  arithmetic.waveProblems(specs).map((problem, at) => {
    if (problem === undefined) return undefined;
    if (arithmetic.waveProblem(specs[at]!) !== undefined) return sizeWanted(specs[at]!);
    return t`Give a higher percentage than the waves before: it is of all devices, with theirs.`;
  });

/** Of a number of devices: a wave's, or of those that a gate wants to see. */
export const deviceCountProblem = (devices: number): string | undefined =>
  arithmetic.deviceCountProblem(devices) === undefined ? undefined : deviceCountWanted;
