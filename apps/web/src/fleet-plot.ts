// Where the counts of a fleet over time are in a chart: versions one above the other, and who was online as a line.
// Each count holds until the next is due; of a time that nobody counted nothing is drawn. Pure.

import type { FleetHistory } from "@flipside/api/types";
import { i18n } from "./language/i18n.ts";
import { type Frame, type Tick, timeTicks, valueTicks } from "./metric-plot.ts";
import type { ShownZone } from "./shown-zone.ts";

type Counted = FleetHistory["counts"][number];

/** Drawn by names of their own; the rest is one. */
export const versionsDrawn = 5;

/** A version, or the rest of them. */
export interface Series {
  /** Null: devices that never checked in; undefined: all that have no series of their own. */
  version: string | null | undefined;
  /** SVG path of its area. */
  area: string;
}

export interface FleetPlot {
  /** From the bottom up: what most run now first. */
  series: Series[];
  /** SVG path. */
  online: string;
  values: Tick[];
  times: Tick[];
  nearest: (x: number) => Counted | undefined;
}

const devicesOf = ({ versions }: Counted, version: string | null): number =>
  versions.find((each) => each.version === version)?.count ?? 0;

const allOf = ({ versions, otherVersions }: Counted): number =>
  versions.reduce((sum, { count }) => sum + count, otherVersions);

/** Those that were run by most at any time, by how many run them now. */
function drawnVersions(counts: readonly Counted[]): (string | null)[] {
  const most = new Map<string | null, number>();
  for (const { versions } of counts)
    for (const { version, count } of versions) most.set(version, Math.max(most.get(version) ?? 0, count));
  const last = counts.at(-1);
  return [...most]
    .sort(([, one], [, other]) => other - one)
    .slice(0, versionsDrawn)
    .map(([version]) => version)
    .sort((one, other) => (last === undefined ? 0 : devicesOf(last, other) - devicesOf(last, one)));
}

export function fleetPlotOf(
  { from, to, stepMs, counts }: FleetHistory,
  { frame, ticksMax, zone }: { frame: Frame; ticksMax: number; zone: ShownZone },
): FleetPlot {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  const ticks = valueTicks(0, Math.max(1, ...counts.map(allOf), ...counts.map(({ online }) => online)));
  const most = ticks.at(-1)!;
  const placeOf = (atMs: number): number =>
    frame.left + ((Math.min(toMs, Math.max(fromMs, atMs)) - fromMs) / (toMs - fromMs)) * (frame.right - frame.left);
  const heightOf = (devices: number): number => frame.bottom - (devices / most) * (frame.bottom - frame.top);
  const spanOf = ({ at }: Counted): [number, number] => [placeOf(Date.parse(at)), placeOf(Date.parse(at) + stepMs)];
  const drawn = drawnVersions(counts);
  const below = counts.map(() => 0);
  const areaOf = (devices: (count: Counted) => number): string =>
    counts
      .map((count, i) => {
        const [left, right] = spanOf(count);
        const base = below[i]!;
        const top = (below[i] = base + devices(count));
        if (top === base) return "";
        const [low, high] = [heightOf(base).toFixed(1), heightOf(top).toFixed(1)];
        return `M${left.toFixed(1)} ${low}V${high}H${right.toFixed(1)}V${low}Z`;
      })
      .join("");
  const named = drawn.map((version): Series => ({ version, area: areaOf((count) => devicesOf(count, version)) }));
  const rest = areaOf((count) => allOf(count) - drawn.reduce((sum, version) => sum + devicesOf(count, version), 0));
  const isNext = (i: number): boolean => i > 0 && Date.parse(counts[i]!.at) - Date.parse(counts[i - 1]!.at) <= stepMs;
  return {
    series: rest === "" ? named : [...named, { version: undefined, area: rest }],
    online: counts
      .map((count, i) => {
        const [left, right] = spanOf(count);
        const height = heightOf(count.online).toFixed(1);
        return isNext(i) ? `V${height}H${right.toFixed(1)}` : `M${left.toFixed(1)} ${height}H${right.toFixed(1)}`;
      })
      .join(""),
    values: ticks.map((value) => ({ place: heightOf(value), label: value.toLocaleString(i18n.locale) })),
    times: timeTicks(fromMs, toMs, ticksMax, zone).map(({ at, label }) => ({ place: placeOf(at), label })),
    nearest: (x) =>
      counts.find((count) => {
        const [left, right] = spanOf(count);
        return left <= x && x < right;
      }),
  };
}
