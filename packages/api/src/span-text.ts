// A length of time as people say it, rounded.

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** In two units at most: "40 s", "12 min", "3 h 10 min", "2 d 4 h". */
export function spanText(ms: number): string {
  if (ms < minuteMs) return `${Math.max(1, Math.round(ms / 1_000))} s`;
  if (ms < hourMs) return `${Math.round(ms / minuteMs)} min`;
  const [large, largeMs, small, smallMs] = ms < dayMs ? ["h", hourMs, "min", minuteMs] : ["d", dayMs, "h", hourMs];
  const whole = Math.round(ms / smallMs);
  const perLarge = largeMs / smallMs;
  const rest = whole % perLarge;
  return `${Math.floor(whole / perLarge)} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}
