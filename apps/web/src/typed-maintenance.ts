// Maintenance windows as they are typed. Pure.

import { t } from "@lingui/core/macro";
import { windowsMax } from "@flipside/api/limits";
import { isTimeZone } from "@flipside/api/time-zone";
import type { Maintenance, MaintenanceWindow } from "@flipside/api/types";

export type Weekday = MaintenanceWindow["days"][number];
export const weekdays: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** As typed; a key for as long as it is shown. */
export interface TypedWindow {
  key: number;
  days: ReadonlySet<Weekday>;
  from: string;
  to: string;
}

/** No window: at any time. */
export interface TypedMaintenance {
  windows: TypedWindow[];
  timeZone: string;
  ofDevice: boolean;
}

let nextKey = 0;
export const typedWindow = (days: readonly Weekday[] = weekdays, from = "01:00", to = "05:00"): TypedWindow => ({
  key: nextKey++,
  days: new Set(days),
  from,
  to,
});

export const typedMaintenance = (maintenance: Maintenance | null): TypedMaintenance => ({
  windows: (maintenance?.windows ?? []).map(({ days, from, to }) => typedWindow(days, from, to)),
  timeZone: maintenance?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  ofDevice: maintenance?.ofDevice ?? false,
});

export function maintenanceOf({ windows, timeZone, ofDevice }: TypedMaintenance): Maintenance | null {
  if (windows.length === 0) return null;
  const inOrder = (days: ReadonlySet<Weekday>): Weekday[] => weekdays.filter((day) => days.has(day));
  return {
    timeZone: timeZone.trim(),
    ofDevice,
    windows: windows.map(({ days, from, to }) => ({ days: inOrder(days), from, to })),
  };
}

export interface MaintenanceErrors {
  timeZone?: string;
  /** Of each window, by its key. */
  windows: ReadonlyMap<number, string>;
}

const isTimeOfDay = (text: string): boolean => /^([01]\d|2[0-3]):[0-5]\d$/.test(text);

export function maintenanceErrors({ windows, timeZone }: TypedMaintenance): MaintenanceErrors {
  if (windows.length === 0) return { windows: new Map() };
  const errors = windows.flatMap(({ key, days, from, to }, index): [number, string][] => {
    if (index >= windowsMax) return [[key, t`There may be ${windowsMax} windows. Take one away.`]];
    if (days.size === 0) return [[key, t`Choose at least one day on which it opens.`]];
    return isTimeOfDay(from) && isTimeOfDay(to) ? [] : [[key, t`Say when it opens and when it closes, as 01:30.`]];
  });
  const isKnown = isTimeZone(timeZone.trim());
  return {
    ...(isKnown ? {} : { timeZone: t`There is no such time zone. Give its name, as Europe/Zurich.` }),
    windows: new Map(errors),
  };
}
