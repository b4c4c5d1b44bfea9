// What a rehearsal has come to, as people read it.

import { spanText } from "@flipside/api/span-text";
import type { RehearsedFleet, RehearsedWorld } from "@flipside/api/types";
import { bytes, count, plural } from "./quantities.ts";

type Spread = NonNullable<RehearsedWorld["duration"]>;

const span = (ms: number): string => (ms < 500 ? "at once" : spanText(ms));

/** From the time of one run in ten to that of nine. */
export function spanWords(spread: Spread | null): string {
  if (spread === null) return "never";
  const [least, most] = [span(spread.p10), span(spread.p90)];
  return least === most ? least : `${least} to ${most}`;
}

export const countWords = ({ p10, p90 }: Spread): string =>
  p10 === p90 ? count(p10) : `${count(p10)} to ${count(p90)}`;

export const worldTitles: Record<RehearsedWorld["kind"], string> = {
  good: "The image is good",
  bad: "The image is bad",
  late: "The image is bad, and shows it late",
};

export const becomeWords: readonly [keyof RehearsedWorld["devices"], string][] = [
  ["updated", "Run it in the end"],
  ["harmed", "Got it while it is bad on them"],
  ["rolledBack", "Went back"],
  ["failed", "Failed to install it"],
  ["unreached", "Away, or had no turn"],
];

export const fleetWords = ({ devices, simulated, online, bytesPerSecond }: RehearsedFleet): string =>
  [
    simulated === devices
      ? `${plural(devices, "device")} simulated`
      : `${count(simulated)} of ${plural(devices, "device")} simulated`,
    `${count(online)} of them online at the start`,
    `links of ${bytes(bytesPerSecond.p10)} to ${bytes(bytesPerSecond.p90)} a second`,
  ].join(", ");
