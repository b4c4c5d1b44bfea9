// Reset to the first byte of an HTTP answer: by the clock, and in instructions.

import { performance } from "node:perf_hooks";
import { type Spread, spreadOf } from "../statistics.ts";
import type { Guest } from "./guests.ts";
import { firstByte } from "./http-client.ts";
import type { PathWatch } from "./path-plugin.ts";

const FIRST_BYTE_TIMEOUT_MS = 60_000;

/** Each in turn, so that what runs beside this hits all alike. */
export async function timeStarts(guests: Map<string, Guest>, times: number): Promise<Map<string, Spread>> {
  const taken = new Map([...guests.keys()].map((name) => [name, [] as number[]]));
  for (let i = 0; i < times; i++) {
    for (const [name, guest] of guests) {
      const begun = performance.now();
      guest.start();
      try {
        await firstByte(guest.port, FIRST_BYTE_TIMEOUT_MS);
        taken.get(name)!.push(performance.now() - begun);
      } finally {
        await guest.stop();
      }
    }
  }
  return new Map([...taken].map(([name, ms]) => [name, spreadOf(ms)]));
}

/** Executed when the first byte is here: some are those of what the guest went on with meanwhile. */
export async function countStart(guest: Guest, watch: PathWatch): Promise<number> {
  guest.start();
  try {
    await firstByte(guest.port, FIRST_BYTE_TIMEOUT_MS);
    return watch.instructions();
  } finally {
    await guest.stop();
  }
}
