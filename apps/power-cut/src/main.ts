// `npm run power-cut`, and what `flipside power-cut` calls.

import { writeFileSync } from "node:fs";
import { DEEP_PREFIX, parseCaseId } from "./campaign/case-id.ts";
import { type Options, parseOptions, usage, UsageError } from "./campaign/options.ts";
import { openSubject } from "./campaign/open-subject.ts";
import { replay } from "./campaign/replay.ts";
import { Progress } from "./campaign/progress.ts";
import { ERASE_CYCLES, measureHostileWear, measureWear } from "./campaign/wear.ts";
import { type CampaignFigures, type CampaignResult, huntAll, runCampaign } from "./campaign/run.ts";
import { type Subject, SubjectError, subjectOfRelease, subjectOfSources } from "./campaign/subject.ts";

const NESTED_ONE_IN = 20;
const VIOLATIONS_SHOWN = 20;

/** Exit code: 0 all held, 1 something did not, 2 the command line or a file can't be used. */
export async function powerCut(argv: string[]): Promise<number> {
  try {
    return await run(parseOptions(argv));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof SubjectError || error instanceof RangeError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

async function run(options: Options): Promise<number> {
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.qemu) return runOnUnikernel(options);
  const subject = options.release === undefined ? await subjectOfSources() : await subjectOfRelease(options.release);
  if (options.caseId !== undefined) return replayCase(subject, options);
  if (options.planted) return lookForPlantedBugs(options, {});
  if (options.wear) {
    const campaign = await openSubject(subject, "device");
    const wear = measureWear(campaign);
    console.log(
      `one boot an hour and one update a day, for ${wear.days} days: ${wear.erasesADay} erases of boot control a day, ${wear.erasesASectorAndYear} a sector and year; ${ERASE_CYCLES} cycles last ${wear.yearsToEnd} years`,
    );
    const cases = [
      ["for five minutes", { payloadChunksMax: 0, resetAfterS: 300, runs: 1 }],
      ["for six hours", { payloadChunksMax: 0, resetAfterS: 6 * 3_600, runs: 1 }],
      [
        "and a chunk of each, for two hours with a reset every minute",
        { payloadChunksMax: 1, resetAfterS: 60, runs: 120 },
      ],
    ] as const;
    const hostile = cases.map(([what, server]) => ({ what, ...measureHostileWear(campaign, server) }));
    for (const each of hostile)
      console.log(
        `two images offered in turn, of which only the table is answered, ${each.what}: ${each.beginnings} beginnings; the sector that is erased most: ${each.journalErases} times in the journal, ${each.slotErases} in the slot`,
      );
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ ...wear, hostile })}\n`);
    return 0;
  }

  const campaigns: CampaignFigures[] = [];
  for (const seed of seedsOf(options)) {
    const result = await runCampaign({
      subject,
      seed,
      depth: options.single ? 1 : 2,
      nestedOneIn: options.exhaustive ? 1 : NESTED_ONE_IN,
      deepSchedules: options.deep,
      story: options.story,
      processes: options.processes,
      budgetS: options.budgetS,
    });
    show(result, seed);
    campaigns.push(result.figures);
  }
  const figures = campaigns.length === 1 ? campaigns[0]! : sumOf(campaigns);
  if (campaigns.length > 1)
    console.log(
      `${campaigns.length} seeds: ${figures.scenarios} scenarios, ${figures.bricks} bricks, ${figures.violations} violations in ${figures.seconds} s`,
    );
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures)}\n`);
  if (options.exhaustive && options.release === undefined && options.story === undefined)
    return lookForPlantedBugs(options, figures);
  return figures.violations > 0 ? 1 : 0;
}

const seedsOf = ({ seeds, seed }: Options): readonly number[] => (seeds.length > 0 ? seeds : [seed]);

/** Of several seeds: counts are sums, rates are of the whole time, and `seed` is the first. */
function sumOf(campaigns: CampaignFigures[]): CampaignFigures {
  const sum = (key: keyof CampaignFigures): number => campaigns.reduce((total, each) => total + (each[key] ?? 0), 0);
  const seconds = Math.round(sum("seconds") * 10) / 10;
  return {
    scenarios: sum("scenarios"),
    distinctStates: sum("distinctStates"),
    powerUps: sum("powerUps"),
    executedBoots: sum("executedBoots"),
    bricks: sum("bricks"),
    violations: sum("violations"),
    seconds,
    perSecond: Math.round(sum("powerUps") / seconds),
    executedBootsPerSecond: Math.round(sum("executedBoots") / seconds),
    deepScenarios: sum("deepScenarios"),
    stories: campaigns[0]!.stories,
    seed: campaigns[0]!.seed,
  };
}

function show({ stories, deep, violations, left, figures }: CampaignResult, seed: number): void {
  const row = (cells: (string | number)[]): string =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(26) : String(cell).padStart(13))).join("");
  console.log(row(["story", "operations", "scenarios", "states", "executed", "violations"]));
  for (const each of [...stories].sort((a, b) => a.story.localeCompare(b.story)))
    console.log(
      row([each.story, each.operations, each.scenarios, each.distinctStates, each.powerUps, each.violations.length]),
    );
  if (deep.length > 0)
    console.log(
      row([
        "deep schedules",
        "",
        figures.deepScenarios,
        "",
        deep.reduce((sum, each) => sum + each.powerUps, 0),
        deep.reduce((sum, each) => sum + each.violations.length, 0),
      ]),
    );
  for (const { id, what } of violations.slice(0, VIOLATIONS_SHOWN))
    console.log(`VIOLATION --seed ${seed} --case ${id}\n  ${what.join("\n  ")}`);
  if (violations.length > VIOLATIONS_SHOWN) console.log(`… and ${violations.length - VIOLATIONS_SHOWN} more`);
  if (left.length > 0)
    console.log(`the budget was used up; left: ${left.map((job) => `${job.kind} ${job.story}`).join(", ")}`);
  console.log(
    `${figures.scenarios} scenarios, ${figures.distinctStates} distinct states, ${figures.bricks} bricks, ${figures.violations} violations in ${figures.seconds} s: ` +
      `${figures.perSecond} power-ups a second, of which ${figures.executedBootsPerSecond} boots executed (seed ${seed})`,
  );
}

async function lookForPlantedBugs(options: Options, figures: Partial<CampaignFigures>): Promise<number> {
  let planted = 0;
  let found = 0;
  for (const seed of seedsOf(options)) {
    const hunts = await huntAll(seed, ({ name, foundIn, what }) =>
      console.log(
        foundIn === undefined
          ? `planted ${name}: NOT FOUND`
          : `planted ${name}: found in ${foundIn}: ${what.slice(0, 100)}`,
      ),
    );
    const foundNow = hunts.filter((each) => each.foundIn !== undefined).length;
    console.log(`${foundNow} of ${hunts.length} planted bugs found (seed ${seed})`);
    planted += hunts.length;
    found += foundNow;
  }
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ ...figures, plantedBugs: planted, plantedBugsFound: found })}\n`);
  return found === planted && (figures.violations ?? 0) === 0 ? 0 : 1;
}

async function replayCase(subject: Subject, { caseId: id, seed }: Options): Promise<number> {
  const { tested, pages, stories } = await openSubject(subject, id!.startsWith(DEEP_PREFIX) ? "device" : "small");
  const { story, steps } = parseCaseId(id!.replace(DEEP_PREFIX, ""));
  const entry = stories.get(story);
  if (!entry) throw new RangeError(`there is no story ${story}: one of ${[...stories.keys()].join(", ")}`);
  console.log(`${story}: ${entry.story.what}`);
  const { violations } = replay(tested, pages, entry.story, entry.start, steps, seed, {
    line: (text) => console.log(text),
  });
  console.log(violations.length === 0 ? "all invariants hold" : `violated: ${violations.join("; ")}`);
  return violations.length === 0 ? 0 : 1;
}

async function runOnUnikernel(options: Options): Promise<number> {
  const { runUnikernelCampaign } = await import("../../../test/power-cut/unikernel-campaign.ts");
  const progress = new Progress();
  const result = await runUnikernelCampaign({
    cuts: options.cuts,
    seed: options.seed,
    jobs: options.processes,
    onProgress: ({ cuts, powerUps, failures }) =>
      progress.tell(
        cuts,
        options.cuts,
        `${cuts} of ${options.cuts} cuts, ${powerUps} power-ups, ${failures} cases failed`,
      ),
  });
  progress.end();
  const { failures, ...figures } = result;
  for (const failure of failures)
    console.log(`VIOLATION in case ${JSON.stringify(failure.case)}: ${failure.violations.join("; ")}`);
  console.log(
    `${figures.cuts} cuts on the unikernel, ${figures.powerUps} power-ups, ${figures.bricks} bricks, ${figures.violations} violations in ${Math.round(figures.seconds)} s (seed ${options.seed})`,
  );
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures)}\n`);
  return figures.bricks === 0 && figures.violations === 0 ? 0 : 1;
}
