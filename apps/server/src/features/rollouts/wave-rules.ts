// The rules of a rollout's waves: what the request says of the rollout holds for each wave that says nothing else.

import type { CompleteNewRollout as NewRollout, WaveRules } from "@flipside/api/types";

const ruleNames = [
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

/** Without the members that are left out. */
const given = (rules: { [Name in keyof WaveRules]?: WaveRules[Name] | undefined }): Partial<WaveRules> =>
  Object.fromEntries(ruleNames.filter((name) => rules[name] !== undefined).map((name) => [name, rules[name]]));

/** `waveCount`: with the wave of what the given ones leave over. */
export function rulesOfWaves(request: NewRollout, waveCount: number): WaveRules[] {
  const all = given(request) as WaveRules;
  return Array.from({ length: waveCount }, (_, wave) => ({
    ...all,
    // It is the rollout's start.
    startAt: wave === 0 ? all.startAt : null,
    ...given(request.waves[wave] ?? {}),
  }));
}

/** A wave's rules, with those that it is given of its own. */
export const withOwnRules = (rules: WaveRules, own: Parameters<typeof given>[0]): WaveRules => ({
  ...rules,
  ...given(own),
});

/** With these changed, of one wave or of all from `present` on; `what`: in words. */
export function changedRules(
  rules: readonly WaveRules[],
  { present, wave, part }: { present: number; wave: number | undefined; part: Parameters<typeof given>[0] },
): { rules: WaveRules[]; what: string } {
  const asked = given(part);
  const changes: string[] = [];
  const next = rules.map((rule, index) => {
    if (wave === undefined ? index < present : index !== wave) return rule;
    const changed = { ...rule, ...asked };
    const names = ruleNames.filter((name) => JSON.stringify(rule[name]) !== JSON.stringify(changed[name]));
    const what = names.map((name) => `${name} ${JSON.stringify(rule[name])} → ${JSON.stringify(changed[name])}`);
    if (what.length > 0) changes.push(`wave ${index + 1}: ${what.join(", ")}`);
    return changed;
  });
  return { rules: next, what: changes.join("; ") };
}
