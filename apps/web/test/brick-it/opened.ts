// The demonstration, as its page would load it, and a bench whose time a test moves.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildDemonstration } from "../../build/demonstration.ts";
import type { Bench } from "../../src/brick-it/bench/bench.ts";
import { type Demonstration, openDemonstration } from "../../src/brick-it/bench/demonstration.ts";
import type { Snapshot } from "../../src/brick-it/snapshot.ts";

export async function opened(): Promise<Demonstration> {
  const folder = await buildDemonstration();
  return openDemonstration(async (name) => new Uint8Array(await readFile(join(folder, name))));
}

const STEP_US = 100_000;
const DEVICE_TIME_US_MAX = 10 * 60 * 1_000_000;

/** Lets time go by until `done` holds; throws, with what happened, when ten minutes of the device's time don't do. */
export function goOnUntil(bench: Bench, done: () => boolean): void {
  for (let us = 0; us < DEVICE_TIME_US_MAX; us += STEP_US) {
    if (done()) return;
    bench.advance(STEP_US, Infinity, done);
  }
  if (!done()) throw new Error(`this did not come:\n${told(bench.snapshot(false)).join("\n")}`);
}

export const told = ({ timeline }: Snapshot): string[] =>
  timeline.map(({ atMs, who, text }) => `${atMs} ${who}: ${text}`);
