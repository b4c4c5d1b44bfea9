export interface Spread {
  min: number;
  median: number;
  max: number;
  count: number;
}

export function spreadOf(values: number[]): Spread {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)!, count: sorted.length };
}
