// How old something is that carries a time of the wall clock, when that clock may have jumped. Pure.
//
// Ages are of running time: what a monotonic clock says has passed while a server ran, and of each pause only a little
// (`countedMaxMs`). Of each span of it is kept what the earliest time was that the wall clock showed. Whatever was
// written within the last `keepMs` of running time carries a time that is not before the earliest of those spans': so
// what is before that is older, whichever way the clock jumped. A clock that was set ahead lets nothing go early; what
// was written while it was ahead goes late. One that was behind lets nothing go for as long, but for a machine that
// begins in 1970 and is told the time a little later: what was written in between goes early.

/** In ascending order, without gaps. */
export interface Span {
  /** Running time at its end. */
  runMs: number;
  /** What the wall clock showed at the earliest. */
  earliestAt: number;
  /** At its end. */
  wallAt: number;
  /** Steady time at its end. */
  steadyAt: number;
}

/** So much of a pause: by so much a clock that was set while the machine was off can be wrong. */
export const countedMaxMs = 2 * 3_600_000;
const dayMs = 24 * 3_600_000;
/** Younger spans are kept as they are. */
const exactMs = 2 * dayMs;

/** No clock that is right shows an earlier time: this program was not written yet. */
const plausibleFrom = Date.UTC(2026, 0, 1);

/** The earliest one that can be; of a clock that shows none such, what it shows. */
export function earliestOf(...times: readonly number[]): number {
  const plausible = times.filter((at) => at >= plausibleFrom);
  return Math.min(...(plausible.length > 0 ? plausible : times));
}

/** The span that ends now. `lowestAt`: the earliest time that the wall clock has shown since the last one. */
export function nextSpan(last: Span | undefined, now: { wallMs: number; steadyMs: number; lowestAt: number }): Span {
  const { wallMs, steadyMs } = now;
  // Nothing else says what time it was. Of the two the earlier one lets less go.
  if (last === undefined)
    return { runMs: 0, earliestAt: Math.min(wallMs, steadyMs), wallAt: wallMs, steadyAt: steadyMs };
  return {
    runMs: last.runMs + Math.min(Math.max(0, steadyMs - last.steadyAt), countedMaxMs),
    earliestAt: earliestOf(last.wallAt, now.lowestAt, wallMs),
    wallAt: wallMs,
    steadyAt: steadyMs,
  };
}

/**
 * What carries a time before this one is older than `keepMs`; at the end of the last span, of which there is one at
 * least. Before the first one time is taken to have passed as it should.
 */
export function horizonOf(spans: readonly Span[], keepMs: number): number {
  const since = spans.at(-1)!.runMs - keepMs;
  const first = spans[0]!;
  const before = first.runMs > since ? first.earliestAt - (first.runMs - since) : Number.POSITIVE_INFINITY;
  return spans.reduce(
    (earliest, span) => (span.runMs > since ? Math.min(earliest, span.earliestAt) : earliest),
    before,
  );
}

/** The same with one span for a day where they are older than a few days: things go up to a day later for it. */
export function fewer(spans: readonly Span[], keepMaxMs: number): Span[] {
  const now = spans.at(-1)!.runMs;
  const kept: Span[] = [];
  for (const span of spans) {
    if (span.runMs <= now - keepMaxMs) continue;
    const before = kept.at(-1);
    const isJoined =
      before !== undefined &&
      span.runMs <= now - exactMs &&
      Math.floor(before.runMs / dayMs) === Math.floor(span.runMs / dayMs);
    if (isJoined) kept[kept.length - 1] = { ...span, earliestAt: Math.min(before.earliestAt, span.earliestAt) };
    else kept.push(span);
  }
  return kept;
}
