// The waves of a rollout as they are typed, each perhaps with rules of its own. Pure.

import type { WaveRules, WaveSpec } from "@flipside/api/types";
import { numberOf } from "./typed-number.ts";
import { differing, type RuleErrors, ruleErrors, rulesOf, type TypedRules } from "./typed-rules.ts";

export interface WaveRow {
  key: number;
  /** As typed. */
  amount: string;
  unit: "devices" | "percent";
  /** Undefined: the rollout's. */
  own: TypedRules | undefined;
}

let nextKey = 0;
export const waveRow = (amount: string, unit: WaveRow["unit"], own?: TypedRules): WaveRow => ({
  key: nextKey++,
  amount,
  unit,
  own,
});

export const initialWaves = (): WaveRow[] => [waveRow("1", "devices"), waveRow("25", "percent")];

export const waveSpecOf = ({ amount, unit }: Pick<WaveRow, "amount" | "unit">): WaveSpec =>
  unit === "percent" ? { percent: numberOf(amount) } : { count: numberOf(amount) };

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
