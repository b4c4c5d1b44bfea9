// A device filter as it is typed: which devices it means, or what is wrong with it and where. Pure.

import { FilterError, type Matcher, matcherOf, parseFilter } from "@flipside/device-filter";
import type { Release } from "@flipside/api/types";
import { faultInWords } from "./words/filter-fault-words.ts";

/** `matches`: everything, of an empty one. */
export type TypedFilter = { matches: Matcher; fault?: undefined } | { matches?: undefined; fault: FilterError };

export function readFilter(text: string, releases: Iterable<Release>, nowMs: number): TypedFilter {
  if (text.trim() === "") return { matches: () => true };
  const byDigest = new Map([...releases].flatMap((release) => release.images.map(({ digest }) => [digest, release])));
  try {
    return { matches: matcherOf(parseFilter(text), { nowMs, releaseOf: (digest) => byDigest.get(digest) }) };
  } catch (error) {
    if (error instanceof FilterError) return { fault: faultInWords(text, error) };
    throw error;
  }
}

const shownAround = 32;

/** The part of the text with what is wrong in it, and the line of marks that stands below it. */
export function markedPart(text: string, { offset, length }: FilterError): { part: string; marks: string } {
  const from = Math.max(0, offset - shownAround);
  const to = Math.min(text.length, offset + length + shownAround);
  const [before, after] = [from > 0 ? "…" : "", to < text.length ? "…" : ""];
  // Where something is missing, one mark stands where it belongs.
  const marks = " ".repeat(before.length + offset - from) + "^".repeat(Math.max(1, length));
  return { part: before + text.slice(from, to).replaceAll(/\s/g, " ") + after, marks };
}
