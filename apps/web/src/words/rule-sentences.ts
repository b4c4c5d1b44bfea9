// Gates and limits of a wave as plain sentences.

import type { WaveRules } from "@flipside/api/types";
import { count, duration, moment, plural } from "./quantities.ts";

type Rules = Partial<WaveRules>;

const actionWords: Record<WaveRules["thresholdAction"], string> = {
  pause: "The rollout pauses",
  abort: "The rollout is cancelled",
  "roll-back-wave": "The wave is rolled back",
  "roll-back-all": "The rollout is rolled back",
};

function threshold(
  { failureThresholdPercent, minimumSample = 1, thresholdAction = "pause" }: Rules,
  wave: string,
): string[] {
  if (failureThresholdPercent === undefined) return [];
  const sample =
    minimumSample > 1
      ? `, once ${plural(minimumSample, "device has", "devices have")} ended, or all of a smaller one`
      : "";
  return failureThresholdPercent >= 100
    ? ["It goes on however many fail."]
    : [`${actionWords[thresholdAction]} when more than ${failureThresholdPercent} % of ${wave} fail${sample}.`];
}

function pace({ rate, underWayMax }: Rules): string[] {
  const growth = rate && rate.growthFactor > 1 ? `, growing by a factor of ${rate.growthFactor} as they go well` : "";
  return [
    ...(rate ? [`Offers are made to ${plural(rate.perHour, "device")} an hour${growth}.`] : []),
    ...(underWayMax ? [`At most ${plural(underWayMax, "device is", "devices are")} at work on it at a time.`] : []),
  ];
}

function beginning({ startAt, approval }: Rules, wave: string): string[] {
  return [
    ...(startAt ? [`${sentenceCase(wave)} does not start before ${moment(startAt)}.`] : []),
    ...(approval ? [`${sentenceCase(wave)} starts only when somebody else has approved it.`] : []),
  ];
}

const sentenceCase = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

/** `wave`: as it is called within a sentence, such as "wave 1" or "each wave". */
export function ruleSentences(rules: Rules, wave: string): string[] {
  const { soakMs, deadlineMs } = rules;
  return [
    ...beginning(rules, wave),
    ...threshold(rules, wave),
    ...(soakMs === undefined
      ? []
      : [
          soakMs === 0
            ? `When ${wave} has ended, it goes on at once.`
            : `When ${wave} has ended, it is watched for ${duration(soakMs)} before it goes on.`,
        ]),
    ...(deadlineMs === undefined ? [] : [`Each device has ${duration(deadlineMs)} from its offer on.`]),
    ...pace(rules),
  ];
}

/** Waves whose rules are the same, together: "waves 1 to 3". */
export function waveGroups(rules: readonly WaveRules[]): { name: string; rules: WaveRules }[] {
  const groups: { from: number; to: number; rules: WaveRules }[] = [];
  rules.forEach((each, index) => {
    const last = groups.at(-1);
    if (last !== undefined && JSON.stringify(last.rules) === JSON.stringify(each)) last.to = index;
    else groups.push({ from: index, to: index, rules: each });
  });
  if (groups.length === 1 && rules.length > 1) return [{ name: "each wave", rules: groups[0]!.rules }];
  return groups.map(({ from, to, rules: each }) => ({
    name: from === to ? `wave ${count(from + 1)}` : `each of waves ${count(from + 1)} to ${count(to + 1)}`,
    rules: each,
  }));
}
