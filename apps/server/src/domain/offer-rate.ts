// How fast a rollout's offers are made: a leaky bucket as a meter (GCRA, ITU-T I.371 annex A), whose rate grows with
// what has succeeded. Pure.

import type { WaveRules } from "@flipside/api/types";

type OfferRate = NonNullable<WaveRules["rate"]>;

const hourMs = 3_600_000;
/** Devices ask every few seconds, not when their turn comes: so much of the rate may be caught up with. */
export const burstMs = 10_000;

export function offersPerHour(
  { perHour, growthFactor, growthConfirmed, perHourMax }: OfferRate,
  confirmed: number,
): number {
  return Math.min(perHourMax, perHour * growthFactor ** Math.floor(confirmed / growthConfirmed));
}

/** Whether an offer may be made now; `nextOfferAt`: as `afterOffer` gave it, null before the first. */
export const isOfferDue = (nextOfferAt: number | null, now: number): boolean =>
  nextOfferAt === null || now >= nextOfferAt;

/** When the next one may be made, after one that is made now. */
export function afterOffer(rate: OfferRate, confirmed: number, nextOfferAt: number | null, now: number): number {
  const spacingMs = hourMs / offersPerHour(rate, confirmed);
  // The burst is of whole offers: at a slow rate there is none.
  const earliest = Math.max(nextOfferAt ?? now, now - burstMs);
  return Math.round(earliest + spacingMs);
}
