// Where the lines of a rollout's course are in its charts: how many ended, and how large the share of failures was as
// they did. Pure.

import type { RolloutCourse } from "@flipside/api/types";
import type { Frame } from "./metric-plot.ts";

export interface CoursePoint {
  /** When the span ends; ISO 8601. */
  at: string;
  /** In all, by then. */
  succeeded: number;
  failed: number;
}

/** Sums from the beginning on; of one wave, or of all. */
export function courseOf({ steps, spanMs, until }: RolloutCourse, wave: number | undefined): CoursePoint[] {
  const byTime = new Map<string, CoursePoint>();
  let sums = { succeeded: 0, failed: 0 };
  for (const step of steps) {
    if (wave !== undefined && step.wave !== wave) continue;
    sums = { succeeded: sums.succeeded + step.succeeded, failed: sums.failed + step.failed };
    const end = new Date(Math.min(Date.parse(step.at) + spanMs, Date.parse(until))).toISOString();
    byTime.set(end, { at: end, ...sums });
  }
  return [...byTime.values()];
}

export const sharePercentOf = ({ succeeded, failed }: CoursePoint): number =>
  succeeded + failed === 0 ? 0 : (100 * failed) / (succeeded + failed);

/** A line of steps from nothing at `from` on, as an SVG path: a sum stays as it is until the next one. */
export function stepPath(
  points: readonly CoursePoint[],
  { from, until }: Pick<RolloutCourse, "from" | "until">,
  { valueOf, max, frame }: { valueOf: (point: CoursePoint) => number; max: number; frame: Frame },
): string {
  const [begin, end] = [Date.parse(from), Math.max(Date.parse(until), Date.parse(from) + 1)];
  const x = (at: number): string =>
    (frame.left + ((at - begin) / (end - begin)) * (frame.right - frame.left)).toFixed(1);
  const y = (value: number): string => (frame.bottom - (value / max) * (frame.bottom - frame.top)).toFixed(1);
  const parts = [`M${x(begin)} ${y(0)}`];
  for (const point of points) parts.push(`H${x(Date.parse(point.at))}`, `V${y(valueOf(point))}`);
  return [...parts, `H${x(end)}`].join("");
}
