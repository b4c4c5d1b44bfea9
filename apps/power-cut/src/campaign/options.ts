// The command line of `npm run power-cut` and `flipside power-cut`.

import { parseArgs } from "node:util";
import { availableParallelism } from "node:os";

export interface Options {
  help: boolean;
  exhaustive: boolean;
  single: boolean;
  planted: boolean;
  wear: boolean;
  qemu: boolean;
  cuts: number;
  story: string | undefined;
  caseId: string | undefined;
  deep: number;
  seed: number;
  /** Of `--seeds`: one campaign after the other. */
  seeds: readonly number[];
  budgetS: number | undefined;
  json: string | undefined;
  processes: number;
  /** Release file to test in place of this source tree. */
  release: string | undefined;
}

export const usage = `Usage: npm run power-cut -- [options]
       flipside power-cut [options] RELEASE

Cuts power at every flash operation of every story, in every way that flash is known to fail, and checks after each
power-up that the device can't be bricked (docs/power-cut.md). With a release file, the agent of its image for virtual
devices is what runs, and a story installs that image.

  (no option)      every single cut, a twentieth of the nested ones, 200 deep schedules a story
  --exhaustive     every single cut, every nested cut, deep schedules, and all planted bugs
  --single         every single cut, and no nested ones
  --planted        only look for the planted bugs
  --wear           how often sectors are erased: in ordinary years, and by a hostile server
  --qemu           cuts on the real image, under QEMU
  --cuts N         with --qemu: so many (500)
  --story NAME     only this story
  --case ID        replay one case, step by step
  --deep N         schedules of many cuts for each story (200; with --exhaustive 2000)
  --seed N         seed of everything that is drawn (1); a case is replayed with the seed that found it
  --seeds LIST     campaigns with several seeds, one after the other: 1-24,7731904
                   (the planted bugs are looked for with each, too)
  --budget S       hand out no more work after S seconds, and say what was left
  --processes N    how many at once (all cores)
  --json FILE      write the figures
`;

export class UsageError extends Error {
  override name = "UsageError";
}

export function parseOptions(argv: string[]): Options {
  let values;
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        exhaustive: { type: "boolean" },
        single: { type: "boolean" },
        planted: { type: "boolean" },
        wear: { type: "boolean" },
        qemu: { type: "boolean" },
        cuts: { type: "string" },
        story: { type: "string" },
        case: { type: "string" },
        deep: { type: "string" },
        seed: { type: "string" },
        seeds: { type: "string" },
        budget: { type: "string" },
        processes: { type: "string" },
        json: { type: "string" },
      },
    }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`);
  }
  const whole = (name: "cuts" | "deep" | "seed" | "budget" | "processes", fallback: number, min: number): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > 0xffffffff)
      throw new UsageError(`--${name} ${text}: a whole number from ${min} to 4294967295`);
    return value;
  };
  const seeds = (values.seeds ?? "").split(",").flatMap((part) => {
    if (part === "") return [];
    const [, first, last = first] = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part) ?? [];
    const count = Number(last) - Number(first) + 1;
    if (first === undefined || Number(last) > 0xffffffff || count < 1 || count > 1_000)
      throw new UsageError(`--seeds ${values.seeds}: numbers and ranges, as in 1-24,7731904`);
    return Array.from({ length: count }, (_, i) => Number(first) + i);
  });
  if (seeds.length > 0 && (values.seed !== undefined || values.case !== undefined))
    throw new UsageError("--seeds goes with neither --seed nor --case: a case is replayed with the seed that found it");
  if (positionals.length > 1) throw new UsageError(`one release at a time, not ${positionals.join(", ")}\n\n${usage}`);
  const exhaustive = values.exhaustive ?? false;
  return {
    help: values.help ?? false,
    exhaustive,
    single: values.single ?? false,
    planted: values.planted ?? false,
    wear: values.wear ?? false,
    qemu: values.qemu ?? false,
    cuts: whole("cuts", 500, 1),
    story: values.story,
    caseId: values.case,
    deep: whole("deep", exhaustive ? 2000 : 200, 0),
    seed: seeds[0] ?? whole("seed", 1, 0),
    seeds,
    budgetS: values.budget === undefined ? undefined : whole("budget", 0, 1),
    json: values.json,
    processes: whole("processes", availableParallelism(), 1),
    release: positionals[0],
  };
}
