// Which devices of a large rollout are simulated: small waves whole, since there it matters which device fails; of the
// large ones as many as there is room for, evenly over their order.

/** Of each wave, so that all together are `most` at most (while there are no more waves than that). */
export function sampleSizes(totals: readonly number[], most: number): number[] {
  const sizes = totals.map(() => 0);
  let left = most;
  const order = [...totals.keys()].sort((one, other) => totals[one]! - totals[other]! || one - other);
  for (const [at, wave] of order.entries()) {
    sizes[wave] = Math.min(totals[wave]!, Math.floor(left / (order.length - at)));
    left -= sizes[wave]!;
  }
  return sizes;
}

/** Indices from 0 below `total`, ascending. */
export const evenly = (total: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => Math.floor(((at + 0.5) * total) / count));
