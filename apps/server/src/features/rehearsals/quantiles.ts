// Percentiles, between the values that are there.

/** `values`: ascending, one at least. `share`: 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
  const at = share * (values.length - 1);
  const below = Math.floor(at);
  const value = values[below]!;
  return value + (at - below) * ((values[below + 1] ?? value) - value);
}

/** So many, from the least to the most, evenly spaced. */
export const quantiles = (values: readonly number[], count: number): number[] =>
  Array.from({ length: count }, (_, at) => quantile(values, at / (count - 1)));

export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((one, other) => one - other),
    0.5,
  );

export interface Spread {
  p10: number;
  p50: number;
  p90: number;
}

/** Rounded; undefined: there are no values. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number): number => Math.round(quantile(sorted, share));
  return { p10: at(0.1), p50: at(0.5), p90: at(0.9) };
}
