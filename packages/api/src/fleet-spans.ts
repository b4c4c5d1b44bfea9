// How often the fleet is counted, and which of the counts are shown.

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How often the fleet is counted. */
export const fleetSampleMs = 15 * minuteMs;

/** How far back one looks, and how far apart the counts of it are that are shown. */
export const fleetSpans = {
  day: { spanMs: dayMs, stepMs: fleetSampleMs },
  week: { spanMs: 7 * dayMs, stepMs: 2 * hourMs },
  quarter: { spanMs: 91 * dayMs, stepMs: 12 * hourMs },
} as const;
export type FleetSpan = keyof typeof fleetSpans;
export const fleetSpanNames = ["day", "week", "quarter"] as const satisfies readonly FleetSpan[];
