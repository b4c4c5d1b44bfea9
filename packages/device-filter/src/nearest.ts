// Which of the words that there are was probably meant by one that there isn't.

/** Longer words than any of ours are not compared: the cost is the product of both lengths. */
const comparedMax = 40;

/** Insertions, deletions, replacements and swaps of neighbours from one to the other (optimal string alignment). */
function distance(one: string, other: string): number {
  const rows = Array.from({ length: one.length + 1 }, (_, i) =>
    Array.from({ length: other.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i <= one.length; i++)
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      rows[i]![j] = Math.min(
        rows[i - 1]![j]! + 1,
        rows[i]![j - 1]! + 1,
        rows[i - 1]![j - 1]! + (same ? 0 : 1),
        swapped ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
  return rows[one.length]![other.length]!;
}

/** The nearest of `words`, if it is near: a third of its letters may differ, whatever their case. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  if (word.length > comparedMax) return undefined;
  let best: { word: string; distance: number } | undefined;
  for (const each of words) {
    const away = distance(word.toLowerCase(), each.toLowerCase());
    if (away <= Math.max(1, Math.floor(each.length / 3)) && (best === undefined || away < best.distance))
      best = { word: each, distance: away };
  }
  return best?.word;
}
