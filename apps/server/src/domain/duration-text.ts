// Durations in words.

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
