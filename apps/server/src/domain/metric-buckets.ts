// What a metric was over pieces of time: of each piece the least, the greatest, the mean and the last value. Pure.

export const hourMs = 3_600_000;
const minuteMs = 60_000;
const dayMs = 24 * hourMs;

export interface Point {
  at: number;
  value: number;
}

export interface Bucket {
  /** Its beginning, a multiple of its length since 1970. */
  at: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  /** The newest value, and when it came. */
  last: number;
  lastAt: number;
}

/** Lengths that are offered, ascending. */
export const bucketSteps: readonly number[] = [
  minuteMs,
  5 * minuteMs,
  15 * minuteMs,
  hourMs,
  6 * hourMs,
  dayMs,
  7 * dayMs,
];

export const bucketStart = (at: number, stepMs: number): number => Math.floor(at / stepMs) * stepMs;

export function bucketOf({ at, value }: Point, stepMs: number): Bucket {
  return { at: bucketStart(at, stepMs), count: 1, sum: value, min: value, max: value, last: value, lastAt: at };
}

/** Of two of the same time. */
export function together(one: Bucket, other: Bucket): Bucket {
  const newest = other.lastAt >= one.lastAt ? other : one;
  return {
    at: one.at,
    count: one.count + other.count,
    sum: one.sum + other.sum,
    min: Math.min(one.min, other.min),
    max: Math.max(one.max, other.max),
    last: newest.last,
    lastAt: newest.lastAt,
  };
}

/** In longer ones, by their time. */
export function longer(buckets: readonly Bucket[], stepMs: number): Bucket[] {
  const byStart = new Map<number, Bucket>();
  for (const bucket of buckets) {
    const at = bucketStart(bucket.at, stepMs);
    const before = byStart.get(at);
    byStart.set(at, before === undefined ? { ...bucket, at } : together(before, bucket));
  }
  return [...byStart.values()].sort((one, other) => one.at - other.at);
}

/**
 * The shortest length, not below the one that is wanted, in which a time has at most so many buckets; the greatest
 * when there is none.
 */
export function stepFor(spanMs: number, wantedMs: number, bucketsMax: number): number {
  // The first and the last one may stick out.
  const fits = (stepMs: number): boolean => stepMs >= wantedMs && spanMs / stepMs + 2 <= bucketsMax;
  return bucketSteps.find(fits) ?? bucketSteps.at(-1)!;
}
