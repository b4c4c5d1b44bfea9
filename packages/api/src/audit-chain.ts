// What makes the record of who did what tell when it was changed: each line's hash covers the one before it. Whoever
// knows one hash of an earlier day knows by it that nothing up to there was changed, nor taken away since.

export interface ChainedLine {
  text: string;
  hash: string;
}

/** A place in the chain: a line's number and hash. */
export interface ChainPlace {
  number: number;
  hash: string;
}

/** Before the first line. */
export const chainStart: ChainPlace = { number: 0, hash: "0".repeat(64) };

/** What a line's hash is of, in UTF-8. */
export const hashedOf = (before: string, text: string): string => `${before}\n${text}`;

/** SHA-256 of a text in UTF-8, hex: a browser has another one than Node. */
export type Sha256 = (text: string) => string;

/** What is wrong with lines that follow this place, in order; or where they lead. */
export function follow(
  from: ChainPlace,
  lines: readonly ChainedLine[],
  sha256: Sha256,
): ChainPlace | { wrong: string } {
  let place = from;
  for (const { text, hash } of lines) {
    const number = numberIn(text);
    if (number !== place.number + 1)
      return { wrong: `after line ${place.number} comes ${number ?? "one that can't be read"}` };
    if (sha256(hashedOf(place.hash, text)) !== hash) return { wrong: `line ${number} is not what was written` };
    place = { number, hash };
  }
  return place;
}

function numberIn(text: string): number | undefined {
  try {
    const { number } = JSON.parse(text) as { number?: unknown };
    return typeof number === "number" ? number : undefined;
  } catch {
    return undefined;
  }
}
