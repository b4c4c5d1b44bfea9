// The rules of a wave as they are typed: for a whole rollout, for one of its waves, and while it runs. Pure.

import { t } from "@lingui/core/macro";
import {
  deadlineMsDefault,
  deadlineMsMax,
  deadlineMsMin,
  failureThresholdPercentDefault,
  minimumSampleDefault,
  offersPerHourMax,
  soakMsDefault,
  soakMsMax,
} from "@flipside/api/limits";
import type { WaveRules } from "@flipside/api/types";
import { isBetween, numberOf } from "./typed-number.ts";
import { inDays, msOf, type TypedTime, typedTime } from "./typed-time.ts";
import { count } from "./words/quantities.ts";
import { deviceCountProblem } from "./words/wave-problems.ts";

type Rate = NonNullable<WaveRules["rate"]>;

export const paces = ["as-asked", "constant", "growing"] as const;

/** Numbers as typed. */
export interface TypedRate {
  pace: (typeof paces)[number];
  perHour: string;
  growthFactor: string;
  growthConfirmed: string;
  /** Empty: no limit. */
  perHourMax: string;
}

export interface TypedRules {
  threshold: string;
  action: WaveRules["thresholdAction"];
  minimumSample: string;
  soak: TypedTime;
  deadline: TypedTime;
  /** Empty: no limit. */
  underWayMax: string;
  rate: TypedRate;
  approval: boolean;
  /** Local time, as a control for it gives it out; empty: when it is its turn. */
  startAt: string;
}

export type RuleErrors = Partial<
  Record<
    | "threshold"
    | "minimumSample"
    | "soak"
    | "deadline"
    | "underWayMax"
    | "perHour"
    | "growthFactor"
    | "growthConfirmed"
    | "perHourMax"
    | "startAt",
    string
  >
>;

/** What the server takes where nothing is said. */
export const defaultRules: WaveRules = {
  deadlineMs: deadlineMsDefault,
  failureThresholdPercent: failureThresholdPercentDefault,
  minimumSample: minimumSampleDefault,
  thresholdAction: "pause",
  soakMs: soakMsDefault,
  underWayMax: null,
  rate: null,
  approval: false,
  startAt: null,
};

/** Of a growing rate, where nothing was typed yet. */
const suggested: TypedRate = {
  pace: "as-asked",
  perHour: "100",
  growthFactor: "2",
  growthConfirmed: "50",
  perHourMax: "",
};

function typedRate(rate: Rate | null): TypedRate {
  if (rate === null) return suggested;
  const { perHour, growthFactor, growthConfirmed, perHourMax } = rate;
  const most = { perHourMax: perHourMax === offersPerHourMax ? "" : String(perHourMax) };
  if (growthFactor === 1) return { ...suggested, ...most, pace: "constant", perHour: String(perHour) };
  const growth = { growthFactor: String(growthFactor), growthConfirmed: String(growthConfirmed) };
  return { pace: "growing", perHour: String(perHour), ...growth, ...most };
}

/** In the reader's time zone, to the minute. */
function localTime(iso: string | null): string {
  if (iso === null) return "";
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export const typedRulesOf = (rules: WaveRules): TypedRules => ({
  threshold: String(rules.failureThresholdPercent),
  action: rules.thresholdAction,
  minimumSample: String(rules.minimumSample),
  soak: typedTime(rules.soakMs),
  deadline: typedTime(rules.deadlineMs),
  underWayMax: rules.underWayMax === null ? "" : String(rules.underWayMax),
  rate: typedRate(rules.rate),
  approval: rules.approval,
  startAt: localTime(rules.startAt),
});

function rateOf({ pace, perHour, growthFactor, growthConfirmed, perHourMax }: TypedRate): Rate | null {
  if (pace === "as-asked") return null;
  const most = perHourMax.trim() === "" || pace === "constant" ? offersPerHourMax : numberOf(perHourMax);
  const growth =
    pace === "constant"
      ? { growthFactor: 1, growthConfirmed: 1 }
      : { growthFactor: numberOf(growthFactor), growthConfirmed: numberOf(growthConfirmed) };
  return { perHour: numberOf(perHour), ...growth, perHourMax: most };
}

function instantOf(local: string): string | null {
  const at = new Date(local);
  return local === "" || Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** Members of which `ruleErrors` says something are of no use. */
export const rulesOf = (typed: TypedRules): WaveRules => ({
  deadlineMs: msOf(typed.deadline),
  failureThresholdPercent: numberOf(typed.threshold),
  minimumSample: numberOf(typed.minimumSample),
  thresholdAction: typed.action,
  soakMs: msOf(typed.soak),
  underWayMax: typed.underWayMax.trim() === "" ? null : numberOf(typed.underWayMax),
  rate: rateOf(typed.rate),
  approval: typed.approval,
  startAt: instantOf(typed.startAt),
});

function rateErrors(typed: TypedRate): RuleErrors {
  const rate = rateOf(typed);
  if (rate === null) return {};
  const errors: RuleErrors = {};
  const isRate = (perHour: number): boolean => perHour > 0 && perHour <= offersPerHourMax;
  const most = count(offersPerHourMax);
  const rateWanted = t`Give a number above 0, up to ${most}.`;
  if (!isRate(rate.perHour)) errors.perHour = rateWanted;
  if (typed.pace === "constant") return errors;
  if (!isBetween(rate.growthFactor, 1, 10)) errors.growthFactor = t`Give a number from 1 to 10.`;
  const confirmed = deviceCountProblem(rate.growthConfirmed);
  if (confirmed !== undefined) errors.growthConfirmed = confirmed;
  if (!isRate(rate.perHourMax)) errors.perHourMax = rateWanted;
  return errors;
}

const [soakDaysMax, deadlineDaysMax] = [inDays(soakMsMax), inDays(deadlineMsMax)];

export function ruleErrors(typed: TypedRules): RuleErrors {
  const errors = rateErrors(typed.rate);
  const { soakMs, deadlineMs, minimumSample, underWayMax, failureThresholdPercent } = rulesOf(typed);
  if (!isBetween(failureThresholdPercent, 0, 100)) errors.threshold = t`Give a percentage from 0 to 100.`;
  const sample = deviceCountProblem(minimumSample);
  if (sample !== undefined) errors.minimumSample = sample;
  if (!isBetween(soakMs, 0, soakMsMax)) errors.soak = t`Give a time from 0 to ${soakDaysMax} days.`;
  if (!isBetween(deadlineMs, deadlineMsMin, deadlineMsMax))
    errors.deadline = t`Give a time above 0, up to ${deadlineDaysMax} days.`;
  const most = underWayMax === null ? undefined : deviceCountProblem(underWayMax);
  if (most !== undefined) errors.underWayMax = most;
  if (typed.startAt !== "" && instantOf(typed.startAt) === null) errors.startAt = t`Give a day and a time.`;
  return errors;
}

const ruleNames = Object.keys(defaultRules) as (keyof WaveRules)[];

/** What of the rules is other than these. */
export const differing = (rules: WaveRules, from: WaveRules): Partial<WaveRules> =>
  Object.fromEntries(
    ruleNames
      .filter((name) => JSON.stringify(rules[name]) !== JSON.stringify(from[name]))
      .map((name) => [name, rules[name]]),
  );
