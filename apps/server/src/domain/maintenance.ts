// When offers may be made: windows of local time in a time zone, right across both changes of daylight saving. Pure.
//
// A window is from one local time to another, so it is an hour shorter or longer where the clocks change within it.
// What begins or ends in the hour that is skipped does so when the clocks go on; a window that lies wholly in that hour
// opens then for as long as it would have been open. In the hour that comes twice a window opens the first time and
// closes the second.

import { Temporal } from "@js-temporal/polyfill";
import type { Maintenance, MaintenanceWindow } from "@flipside/api/types";

type Weekday = MaintenanceWindow["days"][number];
/** By the number that ISO 8601 gives them, from 1. */
const weekdayOf: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

interface Opening {
  fromMs: number;
  /** It is closed from then on. */
  toMs: number;
}

/** The window's opening on this day; undefined where it has none. */
function openingOn(window: MaintenanceWindow, day: Temporal.PlainDate, timeZone: string): Opening | undefined {
  if (!window.days.includes(weekdayOf[day.dayOfWeek - 1]!)) return undefined;
  const [from, to] = [Temporal.PlainTime.from(window.from), Temporal.PlainTime.from(window.to)];
  const isPastMidnight = Temporal.PlainTime.compare(to, from) <= 0;
  const start = day.toPlainDateTime(from);
  const end = (isPastMidnight ? day.add({ days: 1 }) : day).toPlainDateTime(to);
  const fromMs = instantOf(start, timeZone, "earlier");
  const toMs = instantOf(end, timeZone, "later");
  const lengthMs = start.until(end).total({ unit: "milliseconds" });
  return { fromMs, toMs: toMs > fromMs ? toMs : fromMs + lengthMs };
}

/** A local time that is skipped is when the clocks go on; one that comes twice is the one that is asked for. */
function instantOf(local: Temporal.PlainDateTime, timeZone: string, disambiguation: "earlier" | "later"): number {
  const after = local.toZonedDateTime(timeZone, { disambiguation: "later" });
  if (after.toPlainDateTime().equals(local))
    return local.toZonedDateTime(timeZone, { disambiguation }).epochMilliseconds;
  // That is strictly before.
  return after.add({ nanoseconds: 1 }).getTimeZoneTransition("previous")!.epochMilliseconds;
}

/** A window past midnight is of the day before; a week has every weekday, and the next one what the clocks took. */
const daysBack = 1;
const daysAhead = 8;

/** Whether a window is open at this time of the wall clock, until when, and else when the next one opens. */
export function maintenanceAt(
  { timeZone, windows }: Pick<Maintenance, "timeZone" | "windows">,
  wallMs: number,
): { isOpen: true; untilMs: number } | { isOpen: false; opensAtMs: number } {
  const today = Temporal.Instant.fromEpochMilliseconds(wallMs).toZonedDateTimeISO(timeZone).toPlainDate();
  const openings: Opening[] = [];
  for (let days = -daysBack; days <= daysAhead; days++)
    for (const window of windows) {
      const opening = openingOn(window, today.add({ days }), timeZone);
      if (opening !== undefined && opening.toMs > wallMs) openings.push(opening);
    }
  const open = openings.filter(({ fromMs }) => fromMs <= wallMs);
  if (open.length > 0) return { isOpen: true, untilMs: Math.max(...open.map(({ toMs }) => toMs)) };
  return { isOpen: false, opensAtMs: Math.min(...openings.map(({ fromMs }) => fromMs)) };
}
