// Local time of a zone, and whether a maintenance window is open by it: by Intl, apart from the server's way.

import type { Maintenance, MaintenanceWindow } from "@flipside/api/types";

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Weekday = (typeof weekdays)[number];

interface LocalTime {
  weekday: Weekday;
  /** As 01:30. */
  time: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  });
  formats.set(timeZone, format);
  return format;
}

function partsAt(timeZone: string, ms: number): Record<string, string> {
  return Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(new Date(ms))
      .map(({ type, value }) => [type, value]),
  );
}

export function localTimeAt(timeZone: string, ms: number): LocalTime {
  const { weekday, hour, minute } = partsAt(timeZone, ms);
  return { weekday: weekday!.toLowerCase() as Weekday, time: `${hour}:${minute}` };
}

const aroundMs = 26 * 3_600_000;

/** The hour that is skipped, and the one that comes twice, have rules that are not asked after here. */
const clocksChange = (timeZone: string, ms: number): boolean => {
  const [before, after] = [ms - aroundMs, ms + aroundMs].map((at) => partsAt(timeZone, at)["timeZoneName"]);
  return before !== after;
};

function isOpen({ days, from, to }: MaintenanceWindow, { weekday, time }: LocalTime): boolean {
  const dayBefore = weekdays[(weekdays.indexOf(weekday) + 6) % 7]!;
  if (from < to) return days.includes(weekday) && from <= time && time < to;
  // Past midnight it is of the day on which it opened.
  return (days.includes(weekday) && from <= time) || (days.includes(dayBefore) && time < to);
}

/** Undefined: the clocks change about then, so this is not for the judge. */
export function isWindowOpen({ timeZone, windows }: Maintenance, wallMs: number): boolean | undefined {
  if (clocksChange(timeZone, wallMs)) return undefined;
  const local = localTimeAt(timeZone, wallMs);
  return windows.some((window) => isOpen(window, local));
}
