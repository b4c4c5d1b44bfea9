// The waves of a rollout as they are typed, each perhaps with rules of its own. Pure.

import { t } from "@lingui/core/macro";
import { filterOf, laterWaveSizes } from "@flipside/api/rollout-arithmetic";
import type { WaveRules, WaveSpec } from "@flipside/api/types";
import type { FilterError } from "@flipside/device-filter";
import { readFilter } from "./typed-filter.ts";
import { numberOf } from "./typed-number.ts";
import {
  defaultRules,
  differing,
  type RuleErrors,
  ruleErrors,
  rulesOf,
  type TypedRules,
  typedRulesOf,
} from "./typed-rules.ts";
import { waveProblems } from "./words/wave-problems.ts";

export interface WaveRow {
  key: number;
  /** As typed. */
  amount: string;
  unit: "devices" | "percent" | "filter";
  /** As typed: which devices, where its unit is that; the amount may then be empty, which is all of them. */
  filter: string;
  /** Undefined: the rollout's. */
  own: TypedRules | undefined;
}

let nextKey = 0;
export const waveRow = (amount: string, unit: WaveRow["unit"], own?: TypedRules): WaveRow => ({
  key: nextKey++,
  amount,
  unit,
  filter: "",
  own,
});

export const initialWaves = (): WaveRow[] => [waveRow("1", "devices"), waveRow("25", "percent")];

export function waveSpecOf({ amount, unit, filter }: Pick<WaveRow, "amount" | "unit" | "filter">): WaveSpec {
  if (unit === "percent") return { percent: numberOf(amount) };
  if (unit === "devices") return { count: numberOf(amount) };
  return { ...(amount.trim() === "" ? {} : { count: numberOf(amount) }), filter: filter.trim() };
}

/** As it was asked for, beside the rollout's rules. */
export function waveRowOf(spec: WaveSpec, ofRollout: WaveRules): WaveRow {
  const own = Object.entries(spec).filter(([name]) => name in defaultRules);
  const rules = own.length === 0 ? undefined : { ...ofRollout, startAt: null, ...Object.fromEntries(own) };
  const size = "percent" in spec ? spec.percent : "count" in spec ? spec.count : "";
  const filter = filterOf(spec);
  const unit = "percent" in spec ? "percent" : filter === undefined ? "devices" : "filter";
  return { ...waveRow(String(size), unit, rules && typedRulesOf(rules)), filter: filter ?? "" };
}

export type LaterWaveSize = { percent: number } | { count: number };

/** Sizes as they are typed in a row, "10, 50 %": what is read, or what is wrong with it. */
export function laterWavesOf(
  typed: string,
  ofRollout: { total: number; begun: number },
): { waves: LaterWaveSize[]; sizes: number[]; problem: string | undefined } {
  const waves = typed
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => (part.endsWith("%") ? { percent: numberOf(part.slice(0, -1)) } : { count: numberOf(part) }));
  const problem = waveProblems(waves).find((each) => each !== undefined);
  if (problem !== undefined) return { waves, sizes: [], problem };
  const sizes = laterWaveSizes(waves, ofRollout);
  const isEmpty = waves.some((_, wave) => sizes[wave] === 0);
  return {
    waves,
    sizes,
    problem: isEmpty ? t`Nothing is left for one of them: percentages count from the whole.` : undefined,
  };
}

export interface DealtWaves {
  /** What is wrong with each row, if something is. */
  problems: (string | undefined)[];
  /** Of each row's filter, what can't be read in it. */
  faults: (FilterError | undefined)[];
  /** Devices of each wave, with the one that is left over; undefined while something is wrong, or not known yet. */
  sizes: readonly number[] | undefined;
  /** Whom a filter finds among those that the waves before have left, only the server knows. */
  needsServer: boolean;
}

/** `total`: devices in the target; undefined: not counted yet. `met`: the waves as the server would deal them. */
export function dealtWaves(
  rows: readonly WaveRow[],
  total: number | undefined,
  met: readonly { total: number }[] | undefined,
): DealtWaves {
  const specs = rows.map(waveSpecOf);
  const faults = specs.map((spec) => readFilter(filterOf(spec) ?? "", [], Date.now()).fault);
  const needsServer = specs.some((spec) => filterOf(spec) !== undefined);
  const problems = waveProblems(specs).map((problem, index) => problem ?? (faults[index] && MARKED));
  if (problems.some((problem) => problem !== undefined)) return { problems, faults, sizes: undefined, needsServer };
  if (!needsServer && total !== undefined) {
    const sizes = laterWaveSizes(specs as LaterWaveSize[], { total, begun: 0 });
    return { problems, faults, sizes, needsServer };
  }
  const sizes = met?.map((wave) => wave.total);
  const nobody = specs.map((spec, wave) =>
    filterOf(spec) !== undefined && total !== 0 && sizes?.[wave] === 0 ? MEANS_NOBODY : undefined,
  );
  return { problems: nobody, faults, sizes, needsServer };
}

const MARKED = t`Put the filter right: what is marked in it can’t be read.`;
const MEANS_NOBODY = t`The filter means no device that the waves before have left.`;

/** Rows, and the rules of the wave that is left over. */
export interface TypedWaves {
  waves: WaveRow[];
  /** Undefined: the rollout's. */
  restOwn: TypedRules | undefined;
}

/** Nothing is left over: the last row takes all. */
export const takesAll = (rows: readonly WaveRow[]): boolean =>
  rows.some(({ amount, unit }) => unit === "percent" && numberOf(amount) === 100);

/** What of a wave's own rules is other than the rollout's; its first wave starts when the rollout does. */
function ownRules(own: TypedRules | undefined, index: number, ofRollout: WaveRules): Partial<WaveRules> {
  if (own === undefined) return {};
  const rules = rulesOf(own);
  const from = { ...ofRollout, startAt: null };
  return differing(index === 0 ? { ...rules, startAt: null } : rules, from);
}

export function waveSpecsOf({ waves, restOwn }: TypedWaves, ofRollout: WaveRules): WaveSpec[] {
  const specs = waves.map((row, index) => ({ ...waveSpecOf(row), ...ownRules(row.own, index, ofRollout) }));
  const ofRest = takesAll(waves) ? {} : ownRules(restOwn, waves.length, ofRollout);
  return Object.keys(ofRest).length === 0 ? specs : [...specs, { percent: 100, ...ofRest }];
}

/** Of each row's own rules, and last of the wave that is left over. */
export const ownRuleErrors = ({ waves, restOwn }: TypedWaves): RuleErrors[] =>
  [...waves.map(({ own }) => own), takesAll(waves) ? undefined : restOwn].map((own) =>
    own === undefined ? {} : ruleErrors(own),
  );
