// What a rollout will do, in sentences, before it is started. Pure.

import { wholePercent } from "@flipside/api/rollout-arithmetic";
import type { WaveRules, WaveSpec } from "@flipside/api/types";
import type { RolloutDraft, RolloutPlan } from "./rollout-draft.ts";
import { waveSpecsOf } from "./typed-waves.ts";
import { count, moment, ownTimeZone, plural } from "./words/quantities.ts";
import { ruleSentences, waveGroups } from "./words/rule-sentences.ts";

export interface ReviewedWave {
  index: number;
  devices: number;
  /** With all waves before. */
  reached: number;
  sentence: string;
}

const inZone = (iso: string): string => `${moment(iso)} (${ownTimeZone()})`;

/** The rules of each wave that has a size. */
export function rulesOfWaves(draft: RolloutDraft, { rules, dealt: { sizes = [] } }: RolloutPlan): WaveRules[] {
  const specs: readonly (WaveSpec | undefined)[] = waveSpecsOf(draft, rules);
  return sizes.map((_, index) => {
    const own = Object.entries(specs[index] ?? {}).filter(([name]) => name in rules);
    return { ...rules, startAt: index === 0 ? rules.startAt : null, ...Object.fromEntries(own) };
  });
}

function begins(rules: WaveRules, index: number): string {
  const parts = [
    ...(rules.startAt === null ? [] : [`not before ${inZone(rules.startAt)}`]),
    ...(rules.approval ? ["when somebody else has approved it"] : []),
  ];
  if (parts.length > 0) return parts.join(", and ");
  return index === 0 ? "as soon as it is started" : "when the wave before has passed";
}

export function reviewedWaves(draft: RolloutDraft, plan: RolloutPlan): ReviewedWave[] {
  const total = plan.chosen.length;
  const rules = rulesOfWaves(draft, plan);
  let reached = 0;
  return (plan.dealt.sizes ?? []).map((devices, index) => {
    reached += devices;
    const share = `${count(reached)} of ${count(total)} by then, ${wholePercent(reached, total)} %`;
    return {
      index,
      devices,
      reached,
      sentence: `${plural(devices, "device")} ${begins(rules[index]!, index)} (${share}).`,
    };
  });
}

const healthSentence = (isWatched: boolean): string =>
  `It pauses when updated devices crash more often than those that wait${
    isWatched
      ? "."
      : "; but no wave is watched once it has ended, so the next one may begin before anything shows. Watch each wave for some hours."
  }`;

/** When it stops, how fast it goes, and what is unlike most rollouts. */
export function reviewSentences(draft: RolloutDraft, plan: RolloutPlan): string[] {
  const { maintenance, retries, urgent, allowOlder, acceptsClaimed, watchesCrashes, supersedes, continuous } = draft;
  const gates = waveGroups(rulesOfWaves(draft, plan).map((rules) => ({ ...rules, startAt: null, approval: false })));
  return [
    ...gates.flatMap(({ name, rules }) => ruleSentences(rules, name)),
    ...(watchesCrashes ? [healthSentence(gates.some(({ rules }) => rules.soakMs > 0))] : []),
    ...(continuous && draft.target !== "picked"
      ? ["It stays open: devices that come to match later join its last wave."]
      : []),
    ...(maintenance.windows.length > 0
      ? [`Offers are made in ${plural(maintenance.windows.length, "maintenance window")} only.`]
      : []),
    ...(retries.length > 0
      ? [`${plural(retries.length, "kind of failure is", "kinds of failure are")} tried again.`]
      : []),
    ...(urgent ? ["It overtakes other rollouts on the same devices."] : []),
    ...(allowOlder ? [`${plural(plan.newer, "device")} that run something newer may go back by it.`] : []),
    ...(acceptsClaimed ? ["The word of devices that have another agent is enough."] : []),
    ...(supersedes.size > 0
      ? [`${plural(supersedes.size, "other rollout ends", "other rollouts end")} when it starts.`]
      : []),
  ];
}
