// What a rollout will do, in sentences, before it is started. Pure.

import { plural, t } from "@lingui/core/macro";
import { wholePercent } from "@flipside/api/rollout-arithmetic";
import type { WaveRules, WaveSpec } from "@flipside/api/types";
import type { RolloutDraft, RolloutPlan } from "./rollout-draft.ts";
import { waveSpecsOf } from "./typed-waves.ts";
import { count, moment, ownTimeZone } from "./words/quantities.ts";
import { ruleSentences, waveGroups } from "./words/rule-sentences.ts";

export interface ReviewedWave {
  index: number;
  devices: number;
  /** With all waves before. */
  reached: number;
  sentence: string;
}

function inZone(iso: string): string {
  const [time, zone] = [moment(iso), ownTimeZone()];
  return t`${time} (${zone})`;
}

/** The rules of each wave that has a size. */
export function rulesOfWaves(draft: RolloutDraft, { rules, dealt: { sizes = [] } }: RolloutPlan): WaveRules[] {
  const specs: readonly (WaveSpec | undefined)[] = waveSpecsOf(draft, rules);
  return sizes.map((_, index) => {
    const own = Object.entries(specs[index] ?? {}).filter(([name]) => name in rules);
    return { ...rules, startAt: index === 0 ? rules.startAt : null, ...Object.fromEntries(own) };
  });
}

/** `devices`, `share`: of whom the sentence is, and how far all waves have come with them. */
function waveSentence({ startAt, approval }: WaveRules, index: number, devices: string, share: string): string {
  if (startAt !== null) {
    const time = inZone(startAt);
    return approval
      ? t`${devices} not before ${time}, and when somebody else has approved it (${share}).`
      : t`${devices} not before ${time} (${share}).`;
  }
  if (approval) return t`${devices} when somebody else has approved it (${share}).`;
  return index === 0
    ? t`${devices} as soon as it is started (${share}).`
    : t`${devices} when the wave before has passed (${share}).`;
}

export function reviewedWaves(draft: RolloutDraft, plan: RolloutPlan): ReviewedWave[] {
  const { sizes = [] } = plan.dealt;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const rules = rulesOfWaves(draft, plan);
  const all = count(total);
  let reached = 0;
  return sizes.map((devices, index) => {
    reached += devices;
    const [some, percent] = [count(reached), wholePercent(reached, total)];
    const share = t`${some} of ${all} by then, ${percent} %`;
    const who = plural(devices, { one: "# device", other: "# devices" });
    return { index, devices, reached, sentence: waveSentence(rules[index]!, index, who, share) };
  });
}

const healthSentence = (isWatched: boolean): string =>
  isWatched
    ? t`It pauses when updated devices crash more often than those that wait.`
    : t`It pauses when updated devices crash more often than those that wait; but no wave is watched once it has ended, so the next one may begin before anything shows. Watch each wave for some hours.`;

/** When it stops, and how fast it goes. */
function gateSentences(draft: RolloutDraft, plan: RolloutPlan): string[] {
  const gates = waveGroups(rulesOfWaves(draft, plan).map((rules) => ({ ...rules, startAt: null, approval: false })));
  return [
    ...gates.flatMap(({ name, rules }) => ruleSentences(rules, name)),
    ...(draft.watchesCrashes ? [healthSentence(gates.some(({ rules }) => rules.soakMs > 0))] : []),
  ];
}

/** When it stops, how fast it goes, and what is unlike most rollouts. */
export function reviewSentences(draft: RolloutDraft, plan: RolloutPlan): string[] {
  const { maintenance, retries, urgent, allowOlder, acceptsClaimed, supersedes, continuous } = draft;
  const [windows, kinds, others, newer] = [maintenance.windows.length, retries.length, supersedes.size, plan.newer];
  return [
    ...gateSentences(draft, plan),
    ...(continuous && draft.target !== "picked"
      ? [t`It stays open: devices that come to match later join its last wave.`]
      : []),
    ...(windows > 0
      ? [
          t`Offers are made in ${plural(windows, { one: "# maintenance window", other: "# maintenance windows" })} only.`,
        ]
      : []),
    ...(kinds > 0
      ? [plural(kinds, { one: "# kind of failure is tried again.", other: "# kinds of failure are tried again." })]
      : []),
    ...(urgent ? [t`It overtakes other rollouts on the same devices.`] : []),
    ...(allowOlder
      ? [
          plural(newer, {
            one: "# device that run something newer may go back by it.",
            other: "# devices that run something newer may go back by it.",
          }),
        ]
      : []),
    ...(acceptsClaimed ? [t`The word of devices that have another agent is enough.`] : []),
    ...(others > 0
      ? [plural(others, { one: "# other rollout ends when it starts.", other: "# other rollouts end when it starts." })]
      : []),
  ];
}
