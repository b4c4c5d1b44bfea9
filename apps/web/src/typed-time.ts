// Lengths of time as they are typed: a number beside its unit. Pure.

import { numberOf } from "./typed-number.ts";

export const timeUnits = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;
export type TimeUnit = keyof typeof timeUnits;

/** A time as typed. */
export interface TypedTime {
  amount: string;
  unit: TimeUnit;
}

/** In the largest unit of which it is a whole number; nothing is told in hours. */
export function typedTime(ms: number): TypedTime {
  const whole = (["days", "hours"] as const).find((unit) => ms > 0 && ms % timeUnits[unit] === 0);
  const unit = whole ?? (ms === 0 ? "hours" : "minutes");
  return { amount: String(ms / timeUnits[unit]), unit };
}

/** NaN of what is no number. */
export const msOf = ({ amount, unit }: TypedTime): number => Math.round(numberOf(amount) * timeUnits[unit]);

export const inDays = (ms: number): number => ms / timeUnits.days;
