// How long requests waited, from what was seen at the card: one client, which asks when it has its answer.

import type { Mark } from "./path-plugin.ts";

/** PATH_REQUEST and PATH_ANSWER of exokernel/path_probe.h. */
export const REQUEST_MARK = 0;
export const ANSWER_MARK = 1;

/** Of requests that may be lost to this: an answer that is sent again makes it unclear whose it is. */
const UNCLEAR_SHARE_MAX = 0.05;

/**
 * Instructions from each request to its answer, sorted. A request is left out where it, or the one before, was answered
 * more than once: a late repetition would count as an early answer.
 *
 * @throws Error where a request has no answer, or too many are unclear
 */
export function waitsOf(marks: readonly Mark[]): number[] {
  const requests: { at: number; answers: number[] }[] = [];
  for (const { which, instructions } of marks) {
    if (which === REQUEST_MARK) requests.push({ at: instructions, answers: [] });
    else requests.at(-1)?.answers.push(instructions);
  }
  if (requests.length === 0 || requests.some(({ answers }) => answers.length === 0))
    throw new Error(`of ${requests.length} requests seen at the card, some have no answer there`);
  const isClear = (i: number): boolean => i < 0 || requests[i]!.answers.length === 1;
  const waits = requests.filter((_, i) => isClear(i) && isClear(i - 1)).map(({ at, answers }) => answers[0]! - at);
  if (waits.length < (1 - UNCLEAR_SHARE_MAX) * requests.length)
    throw new Error(`of ${requests.length} requests only ${waits.length} were answered once`);
  return waits.sort((one, other) => one - other);
}

/** The least value that this part of them does not exceed. */
export const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.max(Math.ceil(part * sorted.length) - 1, 0)]!;
