// Inputs that are a list of steps of one length: u8 what is done, and numbers that say how.

import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { Draft } from "../engine/target.ts";

export type Step = readonly number[];

/** The same steps again and again. */
export const times = (count: number, ...steps: Step[]): Step[] => Array.from({ length: count }, () => steps).flat();

/** The whole ones of an input, from a place on. */
export function* stepsIn(input: Uint8Array, from: number, stepBytes: number): Generator<Uint8Array> {
  for (let at = from; at + stepBytes <= input.length; at += stepBytes) yield input.subarray(at, at + stepBytes);
}

/** One step does something else, and one of its numbers is another; nothing where there is none. */
export function changeStep(draft: Draft, from: number, stepBytes: number, kinds: number, random: SeededRandom): void {
  const count = Math.floor((draft.length - from) / stepBytes);
  if (count < 1) return;
  const at = from + stepBytes * random.below(count);
  draft.bytes[at] = random.below(kinds);
  draft.bytes[at + 1 + random.below(stepBytes - 1)] = random.below(256);
}
