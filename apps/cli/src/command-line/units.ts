// Durations, sizes, shares and numbers, as people type and read them.

import { UsageError } from "./failures.ts";

const durationsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type DurationUnit = keyof typeof durationsMs;

/** In ms: `90s`, `10m`, `1h30m`, `7d`. */
export function readDuration(text: string): number {
  const parts = [...text.matchAll(/(\d{1,9}(?:\.\d{1,3})?)(ms|[smhd])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new UsageError("a duration with its unit is meant, such as 500ms, 90s, 10m, 1h30m or 7d");
  return parts.reduce((sum, [, count, unit]) => sum + Math.round(Number(count) * durationsMs[unit as DurationUnit]), 0);
}

/** The two largest units that it has something of. */
export function printDuration(durationMs: number): string {
  if (durationMs < durationsMs.s) return `${Math.round(durationMs)}ms`;
  let leftMs = durationMs;
  const parts: string[] = [];
  for (const unit of ["d", "h", "m", "s"] as const) {
    const count = Math.floor(leftMs / durationsMs[unit]);
    leftMs -= count * durationsMs[unit];
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(" ");
}

const sizesBytes = { B: 1, KiB: 1024, MiB: 1024 * 1024 } as const;

/** In bytes: `4096`, `4KiB`. */
export function readSize(text: string): number {
  const [, count, unit = "B"] = /^(\d{1,9})(B|KiB|MiB)?$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError("a size is meant, such as 4096, 4KiB or 1MiB");
  return Number(count) * sizesBytes[unit as keyof typeof sizesBytes];
}

export function printSize(bytes: number): string {
  if (bytes < sizesBytes.KiB) return `${bytes} B`;
  const unit = bytes < sizesBytes.MiB ? "KiB" : "MiB";
  return `${(bytes / sizesBytes[unit]).toFixed(1)} ${unit}`;
}

/** From 0 to 100: `5%` or `5`. */
export function readPercent(text: string): number {
  const percent = /^\d{1,3}(\.\d{1,6})?%?$/.test(text) ? Number(text.replace("%", "")) : Number.NaN;
  if (!(percent >= 0 && percent <= 100)) throw new UsageError("a percentage from 0 to 100 is meant, such as 5%");
  return percent;
}

/** A whole number in these bounds; hexadecimal ones begin with 0x. */
export const readWhole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new UsageError(`a whole number from ${least} to ${most} is meant`);
    return value;
  };

/** A moment: ISO 8601, with its zone. */
export function readTime(text: string): string {
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  if (!isMoment || Number.isNaN(Date.parse(text)))
    throw new UsageError("a time with its zone is meant, such as 2030-01-31T22:00:00Z");
  return new Date(text).toISOString();
}
