// How long ago something was, as it is typed: a whole number and a unit.

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

export const ageUnits = Object.keys(units);
const hundredYearsMs = 100 * 366 * units.d;

/** In ms; undefined when it is none, or more than a hundred years. */
export function parseAge(text: string): number | undefined {
  const match = /^(\d{1,12})([smhdw])$/.exec(text);
  if (match === null) return undefined;
  const ageMs = Number(match[1]) * units[match[2] as keyof typeof units];
  return ageMs <= hundredYearsMs ? ageMs : undefined;
}

/** In the largest unit that it is a whole number of. */
export function printAge(ageMs: number): string {
  const fitting = Object.entries(units).filter(([, unitMs]) => ageMs % unitMs === 0);
  const [unit, unitMs] = fitting.at(-1)!;
  return `${ageMs / unitMs}${unit}`;
}
