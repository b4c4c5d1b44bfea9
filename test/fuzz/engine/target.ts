// What a target is: something of the device that reads bytes from outside, seeds for it, and what must hold. A new
// target is a file in targets/, named in targets/index.ts and targets/about.ts.

import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { Transcript } from "../../../apps/power-cut/src/device/transcript.ts";
import type { FuzzInstance } from "./instance.ts";
import type { Patch } from "./compile.ts";

/** An input that is being made: its bytes are the first `length` of `bytes`. */
export interface Draft {
  readonly bytes: Uint8Array;
  length: number;
}

export interface Target {
  name: string;
  /** Whose coverage guides; other builds of the same code may run beside it. */
  instance: FuzzInstance;
  inputBytesMax: number;
  seeds: Uint8Array[];
  /** What the format's readers compare with. */
  dictionary: Uint8Array[];
  /** Changes the draft by the format's own rules; taken for every other change. */
  mutate?(draft: Draft, random: SeededRandom): void;
  /** Puts checks and checksums right, most of the time, so that what lies behind them is reached. */
  repair?(draft: Draft, random: SeededRandom): void;
  /**
   * Runs one input. Whatever does not hold is thrown as {@link Violation}; traps and the end of the fuel are found by
   * themselves. The same input does the same each time.
   */
  run(input: Uint8Array): void;
  /** Where what the device does is noted while one is there; targets without a whole device have none. */
  host?: { transcript: Transcript | undefined };
  /** Of a million inputs in a deep run, those of this target: by what one costs. */
  share: number;
}

export class Violation extends Error {}

export type OpenTarget = (patches?: Patch[]) => Promise<Target>;

const encoder = new TextEncoder();
export const text = (...words: string[]): Uint8Array[] => words.map((word) => encoder.encode(word));

export function expectSame(actual: number, expected: number, what: string): void {
  if (actual !== expected) throw new Violation(`${what}: ${actual}, expected ${expected}`);
}
