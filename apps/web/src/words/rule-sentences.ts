// Gates and limits of a wave as plain sentences.

import { plural, t } from "@lingui/core/macro";
import type { WaveRules } from "@flipside/api/types";
import { count, duration, moment } from "./quantities.ts";

type Rules = Partial<WaveRules>;

const actionWords: Record<WaveRules["thresholdAction"], string> = {
  pause: t`The rollout pauses`,
  abort: t`The rollout is cancelled`,
  "roll-back-wave": t`The wave is rolled back`,
  "roll-back-all": t`The rollout is rolled back`,
};

function threshold(
  { failureThresholdPercent: percent, minimumSample = 1, thresholdAction = "pause" }: Rules,
  wave: string,
): string[] {
  if (percent === undefined) return [];
  if (percent >= 100) return [t`It goes on however many fail.`];
  const itHappens = actionWords[thresholdAction];
  if (minimumSample <= 1) return [t`${itHappens} when more than ${percent} % of ${wave} fail.`];
  return [
    t`${itHappens} when more than ${percent} % of ${wave} fail, once ${plural(minimumSample, {
      one: "# device has",
      other: "# devices have",
    })} ended, or all of a smaller one.`,
  ];
}

function offersAtRate({ perHour, growthFactor: factor }: NonNullable<WaveRules["rate"]>): string {
  const devices = plural(perHour, { one: "# device", other: "# devices" });
  return factor > 1
    ? t`Offers are made to ${devices} an hour, growing by a factor of ${factor} as they go well.`
    : t`Offers are made to ${devices} an hour.`;
}

const pace = ({ rate, underWayMax }: Rules): string[] => [
  ...(rate ? [offersAtRate(rate)] : []),
  ...(underWayMax
    ? [t`At most ${plural(underWayMax, { one: "# device is", other: "# devices are" })} at work on it at a time.`]
    : []),
];

function beginning({ startAt, approval }: Rules, name: string): string[] {
  const wave = sentenceCase(name);
  const time = startAt ? moment(startAt) : undefined;
  return [
    ...(time === undefined ? [] : [t`${wave} does not start before ${time}.`]),
    ...(approval ? [t`${wave} starts only when somebody else has approved it.`] : []),
  ];
}

const sentenceCase = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

function ending({ soakMs, deadlineMs }: Rules, wave: string): string[] {
  const [watched, given] = [duration(soakMs ?? 0), duration(deadlineMs ?? 0)];
  return [
    ...(soakMs === undefined
      ? []
      : [
          soakMs === 0
            ? t`When ${wave} has ended, it goes on at once.`
            : t`When ${wave} has ended, it is watched for ${watched} before it goes on.`,
        ]),
    ...(deadlineMs === undefined ? [] : [t`Each device has ${given} from its offer on.`]),
  ];
}

/** `wave`: as it is called within a sentence, such as "wave 1" or "each wave". */
export const ruleSentences = (rules: Rules, wave: string): string[] => [
  ...beginning(rules, wave),
  ...threshold(rules, wave),
  ...ending(rules, wave),
  ...pace(rules),
];

/** Waves whose rules are the same, together: "waves 1 to 3". */
export function waveGroups(rules: readonly WaveRules[]): { name: string; rules: WaveRules }[] {
  const groups: { from: number; to: number; rules: WaveRules }[] = [];
  rules.forEach((each, index) => {
    const last = groups.at(-1);
    if (last !== undefined && JSON.stringify(last.rules) === JSON.stringify(each)) last.to = index;
    else groups.push({ from: index, to: index, rules: each });
  });
  if (groups.length === 1 && rules.length > 1) return [{ name: t`each wave`, rules: groups[0]!.rules }];
  return groups.map(({ from, to, rules: each }) => ({ name: waveNames(from, to), rules: each }));
}

function waveNames(from: number, to: number): string {
  const [first, last] = [count(from + 1), count(to + 1)];
  return from === to ? t`wave ${first}` : t`each of waves ${first} to ${last}`;
}
