// The command line of `npm run rehearse`.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

export interface Options {
  help: boolean;
  /** Of one, with a log to read; undefined: many. */
  seed: number | undefined;
  first: number;
  seeds: number;
  planted: boolean;
  /** Name of a planted bug that one seed is played with. */
  bug: string | undefined;
  processes: number;
  json: string | undefined;
}

const seedsDefault = 100;

export const usage = `Usage: npm run rehearse -- [options]

Plays fleets of simulated devices, networks, clocks and operators against the server's real code, and judges what comes of
it (docs/rehearsal.md). Everything is drawn from a seed, so a seed replays.

  (no option)     ${seedsDefault} seeds, then the planted bugs
  --seeds N       so many
  --first N       the first of them (1)
  --seed S        one seed, with a log to read
  --bug NAME      with --seed: the server has this planted bug
  --no-planted    don't look for the planted bugs
  --processes N   how many at once (all cores)
  --json FILE     write the figures
`;

export class UsageError extends Error {
  override name = "UsageError";
}

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text) || Number(text) < least)
    throw new UsageError(`--${name} takes a whole number from ${least} on, not ${text}`);
  return Number(text);
}

export function parseOptions(argv: string[]): Options {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        help: { type: "boolean", default: false },
        seed: { type: "string" },
        first: { type: "string" },
        seeds: { type: "string" },
        "no-planted": { type: "boolean", default: false },
        bug: { type: "string" },
        processes: { type: "string" },
        json: { type: "string" },
      },
    }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`);
  }
  const seed = wholeNumber("seed", values.seed, 0);
  if (values.bug !== undefined && seed === undefined)
    throw new UsageError("--bug says which planted bug one seed is played with: give --seed, too");
  return {
    help: values.help,
    seed,
    first: wholeNumber("first", values.first, 0) ?? 1,
    seeds: wholeNumber("seeds", values.seeds, 1) ?? seedsDefault,
    planted: !values["no-planted"],
    bug: values.bug,
    processes: wholeNumber("processes", values.processes, 1) ?? availableParallelism(),
    json: values.json,
  };
}
