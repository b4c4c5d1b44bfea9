// Which rules hold for each wave, by what the operator asked for: worked out apart from the server.

import type { RuleChange, WaveRules } from "@flipside/api/types";
import type { CompleteRequest } from "../operator/requests.ts";

const names = [
  "deadlineMs",
  "failureThresholdPercent",
  "minimumSample",
  "thresholdAction",
  "soakMs",
  "underWayMax",
  "rate",
  "approval",
  "startAt",
] as const satisfies readonly (keyof WaveRules)[];

type Given = { [Name in keyof WaveRules]?: WaveRules[Name] | undefined };

const said = (given: Given): Given =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = given[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** What a wave does not say itself the rollout says for it; when it starts, for its first wave alone. */
export function rulesAsked(request: CompleteRequest, waves: number): WaveRules[] {
  return Array.from({ length: waves }, (_, wave) => {
    const ofAll = { ...said(request), ...(wave > 0 ? { startAt: null } : {}) };
    return { ...ofAll, ...said(request.waves[wave] ?? {}) } as WaveRules;
  });
}

export function rulesAfter(rules: readonly WaveRules[], present: number, change: RuleChange): WaveRules[] {
  const isMeant = (wave: number): boolean => (change.wave === undefined ? wave >= present : wave === change.wave);
  return rules.map((each, wave) => (isMeant(wave) ? ({ ...each, ...said(change.rules) } as WaveRules) : each));
}
