// A length of time as people say it, rounded: the same as the server says (packages/api/src/span-text.ts), in the
// language that was chosen.

import { t } from "@lingui/core/macro";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** In two units at most: "40 s", "12 min", "3 h 10 min", "2 d 4 h". */
export function spanText(ms: number): string {
  if (ms < minuteMs) {
    const seconds = Math.max(1, Math.round(ms / 1_000));
    return t`${seconds} s`;
  }
  const minutes = Math.round(ms / minuteMs);
  if (ms < hourMs) return t`${minutes} min`;
  return ms < dayMs ? hoursText(minutes) : daysText(Math.round(ms / hourMs));
}

function hoursText(inMinutes: number): string {
  const [hours, minutes] = [Math.floor(inMinutes / 60), inMinutes % 60];
  return minutes === 0 ? t`${hours} h` : t`${hours} h ${minutes} min`;
}

function daysText(inHours: number): string {
  const [days, hours] = [Math.floor(inHours / 24), inHours % 24];
  return hours === 0 ? t`${days} d` : t`${days} d ${hours} h`;
}
