// `npm run rehearse`.

import { writeFileSync } from "node:fs";
import { plantedBugs } from "./planted/bugs.ts";
import { type Hunt, hunt, withBug } from "./planted/hunt.ts";
import { type Options, parseOptions, usage, UsageError } from "./options.ts";
import { play, realServerSources } from "./players.ts";
import { type Outcome, type RealTally, rehearse } from "./rehearsal.ts";
import { openStage } from "./stage.ts";

const progressEvery = 50;

export interface Figures {
  seeds: number;
  violations: number;
  planted: number;
  plantedFound: number;
  seconds: number;
  real: RealTally;
}

/** Exit code: 0 all held, 1 something did not, 2 the command line can't be used. */
export async function runRehearsals(argv: string[]): Promise<number> {
  try {
    return await run(parseOptions(argv));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

async function run(options: Options): Promise<number> {
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.seed !== undefined) return playOne(options.seed, options.bug);
  const began = performance.now();
  const { wrong, real } = await playMany(options);
  const hunts = options.planted ? await huntAll(options.processes) : [];
  const found = hunts.filter(({ isFound }) => isFound).length;
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const figures: Figures = {
    seeds: options.seeds,
    violations: wrong.length,
    planted: hunts.length,
    plantedFound: found,
    seconds,
    real,
  };
  const { devices, installations, tornOperations } = real;
  console.log(
    `${devices} of the devices were real: ${installations} installations, ${tornOperations} torn flash operations`,
  );
  console.log(
    `${options.seeds} seeds: ${wrong.length} with a violation; ${found} of ${hunts.length} planted bugs found; ${seconds} s`,
  );
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures)}\n`);
  return wrong.length === 0 && found === hunts.length ? 0 : 1;
}

async function playOne(seed: number, bug: string | undefined): Promise<number> {
  const planted = plantedBugs.find(({ name }) => name === bug);
  if (bug !== undefined && planted === undefined)
    throw new UsageError(`there is no planted bug ${bug}: ${plantedBugs.map(({ name }) => name).join(", ")}`);
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const playFrom = async (serverSources: string): Promise<Outcome> => {
    const stage = await openStage(serverSources);
    try {
      return await rehearse(stage, seed, write);
    } finally {
      stage.template.remove();
    }
  };
  const outcome = planted === undefined ? await playFrom(realServerSources) : await withBug(planted, playFrom);
  write(`seed ${seed}: ${outcome.violations.length} violations, log ${outcome.digest}`);
  return outcome.violations.length === 0 ? 0 : 1;
}

/** `wrong`: those in which something did not hold. */
async function playMany({ first, seeds, processes }: Options): Promise<{ wrong: Outcome[]; real: RealTally }> {
  const wrong: Outcome[] = [];
  const real: RealTally = { devices: 0, installations: 0, tornOperations: 0 };
  let given = 0;
  let played = 0;
  await play({
    serverSources: realServerSources,
    processes: Math.min(processes, seeds),
    next: () => (given < seeds ? first + given++ : undefined),
    onOutcome(outcome) {
      if (++played % progressEvery === 0) console.log(`${played} of ${seeds} seeds`);
      for (const name of ["devices", "installations", "tornOperations"] as const) real[name] += outcome.real[name];
      const [violation] = outcome.violations;
      if (violation === undefined) return;
      wrong.push(outcome);
      console.log(`seed ${outcome.seed}: "${violation.property}" at ${violation.atMs} ms: ${violation.detail}`);
      console.log(`  npm run rehearse -- --seed ${outcome.seed}`);
    },
  });
  return { wrong, real };
}

async function huntAll(processes: number): Promise<Hunt[]> {
  const hunts: Hunt[] = [];
  for (const bug of plantedBugs) {
    const result = await hunt(bug, processes);
    hunts.push(result);
    console.log(`planted ${bug.name} (${bug.what}): ${result.text}`);
  }
  return hunts;
}
