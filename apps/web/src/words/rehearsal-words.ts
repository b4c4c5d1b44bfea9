// What a rehearsal has come to, as people read it.

import { plural, t } from "@lingui/core/macro";
import type { RehearsedFleet, RehearsedWorld } from "@flipside/api/types";
import { joined } from "./listed.ts";
import { bytes, count } from "./quantities.ts";
import { spanText } from "./span-text.ts";

type Spread = NonNullable<RehearsedWorld["duration"]>;

const span = (ms: number): string => (ms < 500 ? t`at once` : spanText(ms));

/** From the time of one run in ten to that of nine. */
export function spanWords(spread: Spread | null): string {
  if (spread === null) return t`never`;
  const [least, most] = [span(spread.p10), span(spread.p90)];
  return least === most ? least : t`${least} to ${most}`;
}

export function countWords({ p10, p90 }: Spread): string {
  const [least, most] = [count(p10), count(p90)];
  return p10 === p90 ? least : t`${least} to ${most}`;
}

export const worldTitles: Record<RehearsedWorld["kind"], string> = {
  good: t`The image is good`,
  bad: t`The image is bad`,
  late: t`The image is bad, and shows it late`,
};

export const becomeWords: readonly [keyof RehearsedWorld["devices"], string][] = [
  ["updated", t`Run it in the end`],
  ["harmed", t`Got it while it is bad on them`],
  ["rolledBack", t`Went back`],
  ["failed", t`Failed to install it`],
  ["unreached", t`Away, or had no turn`],
];

export function fleetWords({ devices, simulated, online, bytesPerSecond }: RehearsedFleet): string {
  const [some, there] = [count(simulated), count(online)];
  const [slowest, fastest] = [bytes(bytesPerSecond.p10), bytes(bytesPerSecond.p90)];
  return joined([
    simulated === devices
      ? plural(devices, { one: "# device simulated", other: "# devices simulated" })
      : t`${some} of ${plural(devices, { one: "# device", other: "# devices" })} simulated`,
    t`${there} of them online at the start`,
    t`links of ${slowest} to ${fastest} a second`,
  ]);
}
