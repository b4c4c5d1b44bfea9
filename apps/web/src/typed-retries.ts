// What is tried again by itself, as it is typed. Pure.

import { t } from "@lingui/core/macro";
import { retriesMax as triesMost, retryDelayMsDefault, retryDelayMsMax, retryRulesMax } from "@flipside/api/limits";
import type { RetryRule } from "@flipside/api/types";
import { errorCodeOf } from "./format.ts";
import { isBetween, numberOf } from "./typed-number.ts";
import { inDays, msOf, type TypedTime, typedTime } from "./typed-time.ts";

/** As typed; a key for as long as it is shown. */
export interface TypedRetry {
  key: number;
  after: RetryRule["after"];
  /** Names of error codes with commas or spaces between them; empty: any. */
  codes: string;
  tries: string;
  delay: TypedTime;
}

let nextKey = 0;
export const typedRetry = (rule?: RetryRule): TypedRetry => ({
  key: nextKey++,
  after: rule?.after ?? "failed",
  codes: rule?.codes?.join(", ") ?? "",
  tries: String(rule?.retriesMax ?? 2),
  delay: typedTime(rule?.delayMs ?? retryDelayMsDefault),
});

const codesOf = (typed: string): string[] => typed.split(/[\s,;]+/).filter((name) => name !== "");

export function retryOf({ after, codes, tries, delay }: TypedRetry): RetryRule {
  const named = codesOf(codes);
  return { after, ...(named.length > 0 ? { codes: named } : {}), retriesMax: numberOf(tries), delayMs: msOf(delay) };
}

const delayDaysMax = inDays(retryDelayMsMax);

export type RetryErrors = Partial<Record<"codes" | "tries" | "delay", string>>;

/** Of each rule, by its key. */
export function retryErrors(typed: readonly TypedRetry[]): ReadonlyMap<number, RetryErrors> {
  return new Map(
    typed.map((each, index) => {
      const errors: RetryErrors = {};
      const strange = codesOf(each.codes)
        .filter((name) => errorCodeOf(name) === undefined)
        .join(", ");
      if (strange !== "") errors.codes = t`No error code is named ${strange}. One is flash-failed.`;
      if (codesOf(each.codes).length > 32) errors.codes = t`Name 32 codes at most.`;
      const { retriesMax, delayMs } = retryOf(each);
      if (!Number.isInteger(retriesMax) || !isBetween(retriesMax, 1, triesMost))
        errors.tries = t`Give a whole number from 1 to ${triesMost}.`;
      if (index >= retryRulesMax) errors.tries = t`There may be ${retryRulesMax} of these. Take one away.`;
      if (!isBetween(delayMs, 0, retryDelayMsMax)) errors.delay = t`Give a time from 0 to ${delayDaysMax} days.`;
      return [each.key, errors] as const;
    }),
  );
}
