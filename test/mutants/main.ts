// `npm run mutants`: small changes to what decides what boots, is installed and is kept, each of which a test has to
// find. docs/power-cut.md, "Mutants".

import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import * as ofStories from "../../apps/power-cut/test/written-transcripts.ts";
import * as ofFuzzing from "../fuzz/engine/transcripts.ts";
import { explainedMutants, runMutants, sumUp, type Verdict } from "./campaign.ts";
import { mutatedC, runCMutants } from "./c-mutants.ts";
import { keyOf, type Mutant } from "./operators.ts";
import { mutantsOf, mutatedSources } from "./sources.ts";

const usage = `npm run mutants -- [options]
  --file PATH      mutants of one source file only (may be given more than once)
  --patch FILE     one bug of your own: a unified diff against the sources
  --again FILE     only those that survived in an earlier run, by what its --json wrote
  --sample N       one mutant in N
  --seed N         of torn contents, fuzzed inputs and the sample (1)
  --budget S       begin no more mutants after S seconds, and say how many were left
  --fast           a choice of single cuts and inputs, not all cuts and new inputs, for those that survive it
  --processes N    how many at once (all cores)
  --json FILE      {"mutants", "found", "equivalent", "secondLine", "survivors": [...], ...}
  --learn          write down transcripts that tell mutants which nothing else finds (look at the difference, and commit it)
  --found          say of each mutant what found it
Sources: ${[...mutatedSources, ...mutatedC].join(", ")}`;

const { values } = parseArgs({
  options: {
    file: { type: "string", multiple: true },
    patch: { type: "string" },
    sample: { type: "string" },
    again: { type: "string" },
    seed: { type: "string" },
    budget: { type: "string" },
    processes: { type: "string" },
    json: { type: "string" },
    found: { type: "boolean" },
    fast: { type: "boolean" },
    learn: { type: "boolean" },
    help: { type: "boolean" },
  },
});
function fail(message: string): never {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}
const number = (name: "sample" | "seed" | "budget" | "processes", fallback: number, min: number): number => {
  const given = values[name];
  if (given === undefined) return fallback;
  const value = Number(given);
  if (!Number.isInteger(value) || value < min || value > 0xffffffff)
    fail(`--${name} ${given}: a whole number from ${min} on`);
  return value;
};
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (values.patch !== undefined) {
  const { huntPatch } = await import("./patch.ts");
  process.exit(await huntPatch(values.patch, number("seed", 1, 0)));
}

/** Adds what was learnt to the files of transcripts, at once: a run that is broken off has not learnt for nothing. */
function learn({ id, digest }: { id: string; digest: string }, by: string): void {
  if (by.startsWith("transcript of fuzz ")) {
    const [target, input] = id.split(" ") as [string, string];
    const transcripts = ofFuzzing.writtenTranscripts();
    (transcripts[target] ??= {})[input] = digest;
    return ofFuzzing.writeTranscripts(transcripts);
  }
  ofStories.writeTranscripts({ ...ofStories.writtenTranscripts(), [id]: digest });
}

const files =
  values.file === undefined
    ? [...mutatedSources, ...mutatedC]
    : values.file.map((file) => relative(repositoryRoot, file.startsWith("/") ? file : `${repositoryRoot}/${file}`));
for (const file of files)
  if (!mutatedSources.includes(file) && !mutatedC.includes(file))
    fail(`${file} is none of the sources that are mutated`);
const seed = number("seed", 1, 0);
const sample = number("sample", 1, 1);
const explained = explainedMutants();
const began = performance.now();
const again =
  values.again === undefined
    ? undefined
    : new Set(
        (JSON.parse(readFileSync(values.again, "utf8")) as { survivors: { key: string }[] }).survivors.map(
          ({ key }) => key,
        ),
      );
const only = (mutant: Mutant): boolean => (again ? again.has(keyOf(mutant)) : (mutant.number + seed) % sample === 0);
const onVerdict = ({ mutant, finding, isReached }: Verdict): void => {
  if (finding && values.found)
    console.log(
      `found ${mutant.file}:${mutant.line} ${mutant.operator} ${mutant.from} => ${mutant.to}  by ${finding.by}: ${finding.what.slice(0, 100)}`,
    );
  if (!finding && !explained.has(keyOf(mutant)))
    console.log(
      `SURVIVES${isReached ? "" : ", asked for by nothing,"} ${mutant.file}:${mutant.line} ${mutant.place}: ${mutant.operator} ${mutant.from} => ${mutant.to || "(nothing)"}`,
    );
};
const scripts = files.filter((file) => mutatedSources.includes(file));
const { verdicts, left } = await runMutants({
  setting: { files: scripts, seed },
  processes: number("processes", availableParallelism(), 1),
  isThorough: !values.fast,
  learns: values.learn === true,
  budgetS: values.budget === undefined ? undefined : number("budget", 0, 1),
  only,
  onVerdict(verdict, done, of) {
    onVerdict(verdict);
    if (verdict.finding?.learnt) learn(verdict.finding.learnt, verdict.finding.by);
    if (done % 100 === 0) console.log(`${done} of ${of}, ${Math.round((performance.now() - began) / 1000)} s`);
  },
});
const inC = runCMutants(
  files.filter((file) => mutatedC.includes(file)),
  { first: mutantsOf(scripts).mutants.length + 1, only, onVerdict },
);
if (!inC) console.log("the C is left out: this machine has no C compiler of its own (cc, gcc or clang)");
verdicts.push(...(inC ?? []));
const sum = sumUp(verdicts, explained);
for (const key of sum.stale) console.log(`STALE: explained, and found all the same: ${key}`);
const seconds = Math.round((performance.now() - began) / 1000);
const percent = (100 * sum.found) / Math.max(1, sum.mutants - sum.equivalent);
console.log(
  `${sum.mutants} mutants: ${sum.found} found, ${sum.equivalent} equivalent, ${sum.secondLine} second line, ${sum.survivors.length} survive unexplained; ` +
    `${percent.toFixed(1)} % of those that are not equivalent; ${seconds} s (seed ${seed})${left > 0 ? `; the budget was used up, ${left} left` : ""}`,
);
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify(
      {
        mutants: sum.mutants,
        found: sum.found,
        equivalent: sum.equivalent,
        secondLine: sum.secondLine,
        survivors: sum.survivors.map(({ mutant, isReached }) => ({
          file: mutant.file,
          line: mutant.line,
          place: mutant.place,
          operator: mutant.operator,
          from: mutant.from,
          to: mutant.to,
          key: keyOf(mutant),
          isReached,
        })),
        stale: sum.stale,
        left,
        sampled: sample,
        isThorough: !values.fast,
        seconds,
        seed,
      },
      undefined,
      1,
    )}\n`,
  );
}
process.exitCode = sum.survivors.length === 0 && sum.stale.length === 0 ? 0 : 1;
