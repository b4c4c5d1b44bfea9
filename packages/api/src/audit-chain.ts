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

/** As it is noted: `NUMBER:HASH`. */
export const placeText = ({ number, hash }: ChainPlace): string => `${number}:${hash}`;

/** Undefined: it is none. */
export function placeIn(text: string): ChainPlace | undefined {
  const [, number, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  return number === undefined || hash === undefined ? undefined : { number: Number(number), hash };
}

/** Before the first line. */
export const chainStart: ChainPlace = { number: 0, hash: "0".repeat(64) };

/** What a line's hash is of, in UTF-8. */
export const hashedOf = (before: string, text: string): string => `${before}\n${text}`;

/** SHA-256 of a text in UTF-8, hex: a browser has another one than Node, which takes its time. */
export type Sha256 = (text: string) => string | Promise<string>;

/** What is wrong with lines that follow this place, in order; or where they lead. */
export async function follow(
  from: ChainPlace,
  lines: readonly ChainedLine[],
  sha256: Sha256,
): Promise<ChainPlace | { wrong: string }> {
  let place = from;
  for (const { text, hash } of lines) {
    const number = numberIn(text);
    if (number !== place.number + 1)
      return { wrong: `after line ${place.number} comes ${number ?? "one that can't be read"}` };
    if ((await sha256(hashedOf(place.hash, text))) !== hash) return { wrong: `line ${number} is not what was written` };
    place = { number, hash };
  }
  return place;
}

/** A part of the record, oldest first, and the place behind which the record's chain begins. */
export interface ChainPart {
  start: ChainPlace;
  lines: ChainedLine[];
}

/**
 * Where the whole record leads, or in words what is wrong with it. `noted`: a place that somebody has written down
 * before, which it has to hold.
 */
export async function judge(
  parts: AsyncIterable<ChainPart>,
  noted: ChainPlace | undefined,
  sha256: Sha256,
): Promise<ChainPlace | { wrong: string }> {
  let place: ChainPlace | undefined;
  let hashThen: string | undefined;
  for await (const { start, lines } of parts) {
    const from = (place ??= start);
    if (noted?.number === from.number) hashThen = from.hash;
    const led = await follow(from, lines, sha256);
    if ("wrong" in led) return { wrong: `the record was changed: ${led.wrong}` };
    if (noted !== undefined && noted.number > from.number && noted.number <= led.number)
      hashThen = lines[noted.number - from.number - 1]!.hash;
    place = led;
  }
  if (place === undefined) return { wrong: "there is no record" };
  if (noted === undefined || hashThen === noted.hash) return place;
  return {
    wrong:
      hashThen === undefined
        ? `line ${noted.number} is not in the record, which ends with line ${place.number}: lines were taken away`
        : `the record was changed: line ${noted.number} had another hash when it was noted`,
  };
}

function numberIn(text: string): number | undefined {
  try {
    const { number } = JSON.parse(text) as { number?: unknown };
    return typeof number === "number" ? number : undefined;
  } catch {
    return undefined;
  }
}
