// Where a metric's points, its axes' ticks and its gaps are in a line chart. Pure.

import type { MetricHistoryPage, MetricPoint } from "@flipside/api/types";
import type { ShownZone } from "./shown-zone.ts";
import { metricTickText } from "./words/metric-words.ts";
import { dates } from "./words/quantities.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export const rangeMsOf = { hour: hourMs, day: dayMs, week: 7 * dayMs } as const;
export type MetricRange = keyof typeof rangeMsOf;

/** In pixels. */
export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Tick {
  /** Along its axis, in pixels. */
  place: number;
  label: string;
}

/** Of a point that stands for a piece of time, its middle. */
const timeOf = ({ at }: MetricPoint, stepMs: number | null): number => Date.parse(at) + (stepMs ?? 0) / 2;

/** The least of 1, 2 and 5 with zeros that leaves at most so many steps. */
function roundStep(range: number, stepsMax: number): number {
  const least = range / stepsMax;
  const magnitude = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((each) => each * magnitude).find((each) => each >= least * (1 - 1e-9))!;
}

/** Round values that hold all of a metric's between the first and the last. */
export function valueTicks(min: number, max: number): number[] {
  // Values are whole numbers, and one that never changes is in the middle.
  const step = Math.max(1, roundStep(Math.max(max - min, 1), 3));
  const first = Math.floor(min / step - (min === max ? 0.5 : 0)) * step;
  const steps = Math.max(1, Math.ceil((max - first) / step + (min === max ? 0.5 : 0)));
  return Array.from({ length: steps + 1 }, (_, i) => first + i * step);
}

/** How a zone's calendar is read, and gone along by minutes. */
interface Calendar {
  toMidnight(time: Date): void;
  addMinutes(time: Date, minutes: number): void;
  isMidnight(time: Date): boolean;
  clockTime: Intl.DateTimeFormat;
  dayOfYear: Intl.DateTimeFormat;
}

const formats = (timeZone?: "UTC"): Pick<Calendar, "clockTime" | "dayOfYear"> => ({
  clockTime: new Intl.DateTimeFormat(dates, { hour: "2-digit", minute: "2-digit", timeZone }),
  dayOfYear: new Intl.DateTimeFormat(dates, { day: "numeric", month: "short", timeZone }),
});

const calendars: Record<ShownZone, Calendar> = {
  local: {
    toMidnight: (time) => void time.setHours(0, 0, 0, 0),
    // By the calendar and not by their length: a day may have 23 hours.
    addMinutes: (time, minutes) => void time.setMinutes(time.getMinutes() + minutes),
    isMidnight: (time) => time.getHours() === 0 && time.getMinutes() === 0,
    ...formats(),
  },
  utc: {
    toMidnight: (time) => void time.setUTCHours(0, 0, 0, 0),
    addMinutes: (time, minutes) => void time.setUTCMinutes(time.getUTCMinutes() + minutes),
    isMidnight: (time) => time.getUTCHours() === 0 && time.getUTCMinutes() === 0,
    ...formats("UTC"),
  },
};

/** Round times of the zone's clock; at midnight, the day. */
export function timeTicks(
  fromMs: number,
  toMs: number,
  ticksMax: number,
  zone: ShownZone,
): { at: number; label: string }[] {
  const { toMidnight, addMinutes, isMidnight, clockTime, dayOfYear } = calendars[zone];
  const minutes = [5, 15, 30, 60, 180, 360, 720, 1_440, 2_880].find(
    (each) => (toMs - fromMs) / (each * minuteMs) <= ticksMax,
  );
  const step = minutes ?? 10_080;
  const each = new Date(fromMs);
  toMidnight(each);
  const ticks: { at: number; label: string }[] = [];
  for (; each.getTime() <= toMs; addMinutes(each, step))
    if (each.getTime() >= fromMs)
      ticks.push({ at: each.getTime(), label: (isMidnight(each) ? dayOfYear : clockTime).format(each) });
  return ticks;
}

/** Runs of points that came about as often as they usually do: a line over a gap would say what nobody knows. */
export function unbroken(points: readonly MetricPoint[], stepMs: number | null): MetricPoint[][] {
  const gaps = points.slice(1).map((point, i) => timeOf(point, null) - timeOf(points[i]!, null));
  const usual = [...gaps].sort((one, other) => one - other)[Math.floor((gaps.length - 1) / 2)] ?? 0;
  const gapMs = stepMs === null ? Math.max(minuteMs, 4 * usual) : Math.max(1.5 * stepMs, 4 * usual);
  const runs: MetricPoint[][] = [];
  points.forEach((point, i) => {
    if (i === 0 || gaps[i - 1]! > gapMs) runs.push([]);
    runs.at(-1)!.push(point);
  });
  return runs;
}

export interface Plot {
  /** SVG paths: of the means, and between least and greatest values. */
  lines: string[];
  bands: string[];
  /** Values that have no neighbours. */
  dots: { x: number; y: number }[];
  values: Tick[];
  times: Tick[];
  placeOf: (atMs: number) => number;
  /** The point that is nearest to a place, with its own. */
  nearest: (x: number) => { point: MetricPoint; x: number; y: number } | undefined;
}

const path = (places: readonly (readonly [number, number])[]): string =>
  places.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

export function plotOf(
  { name, from, to, stepMs, points }: MetricHistoryPage,
  { frame, ticksMax, zone }: { frame: Frame; ticksMax: number; zone: ShownZone },
): Plot {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  const [min, max] = [Math.min(...points.map((each) => each.min)), Math.max(...points.map((each) => each.max))];
  const ticks = points.length === 0 ? [] : valueTicks(min, max);
  const [low, high] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const placeOf = (atMs: number): number =>
    frame.left + ((atMs - fromMs) / (toMs - fromMs)) * (frame.right - frame.left);
  const heightOf = (value: number): number =>
    frame.bottom - ((value - low) / (high - low)) * (frame.bottom - frame.top);
  const x = (point: MetricPoint): number => Math.min(frame.right, Math.max(frame.left, placeOf(timeOf(point, stepMs))));
  const y = (point: MetricPoint): number => heightOf(point.mean);
  const runs = unbroken(points, stepMs);
  const long = runs.filter((run) => run.length > 1);
  return {
    lines: long.map((run) => path(run.map((point) => [x(point), y(point)]))),
    bands: long
      .filter((run) => run.some((point) => point.max > point.min))
      .map((run) => {
        const upper = run.map((point) => [x(point), heightOf(point.max)] as const);
        const lower = run.map((point) => [x(point), heightOf(point.min)] as const).reverse();
        return `${path([...upper, ...lower])}Z`;
      }),
    dots: runs.filter((run) => run.length === 1).map(([point]) => ({ x: x(point!), y: y(point!) })),
    values: ticks.map((value) => ({
      place: heightOf(value),
      label: metricTickText(name, value, ticks[1]! - ticks[0]!),
    })),
    times: timeTicks(fromMs, toMs, ticksMax, zone).map(({ at, label }) => ({ place: placeOf(at), label })),
    placeOf,
    nearest(place) {
      const sorted = points.map((point) => ({ point, x: x(point), y: y(point) }));
      sorted.sort((one, other) => Math.abs(one.x - place) - Math.abs(other.x - place));
      return sorted[0];
    },
  };
}
