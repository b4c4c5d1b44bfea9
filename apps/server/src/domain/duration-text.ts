// Durations in words, and as people type them.

const units = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1_000, "second"],
] as const;

/** In the largest unit of which it is a whole number. */
export function durationText(ms: number): string {
  const [unitMs, unit] = units.find(([each]) => ms % each === 0) ?? [1_000, "second"];
  const count = Math.round(ms / unitMs);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

const typedUnits: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Of `12h`, `14d` or `8w`, in milliseconds; undefined: it is none. */
export function typedDuration(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,5})([hdw])$/.exec(text.trim()) ?? [];
  return unit === undefined ? undefined : Number(count) * typedUnits[unit]!;
}
