// A slice of the mutation campaign (`npm run mutants`, docs/power-cut.md): mutants drawn from a seed against the stories without
// cuts; those that survived once; and whether what is explained still is a mutant, and still survives.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom, seedOfRun } from "../../apps/agent/hosts/fault/seeded-random.ts";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { hostCompiler } from "../../apps/agent/test/flash-driver/host-build.ts";
import { cMutantsOf, mutatedC, runCMutants } from "./c-mutants.ts";
import { explainedMutants } from "./campaign.ts";
import { keyOf, type Mutant } from "./operators.ts";
import { applyTo, parseDiff } from "./patch.ts";
import { mutantsOf, mutatedSources } from "./sources.ts";
import { type Finding, StoryBench } from "./story-bench.ts";

const seed = seedOfRun();
console.log(`mutants: FLIPSIDE_SEED=${seed}`);

const DRAWN = 16;
/** The stories and the transcripts that are written down find more than 45 in 100; of 16 that are drawn, fewer than this only once in 14,000 times. */
const FOUND_AT_LEAST = 1;
/** Of those that survived once. */
const AGAIN_DRAWN = 10;
/** Of those that are explained. */
const EXPLAINED_DRAWN = 5;
const C_DRAWN = 8;

const set = mutantsOf(mutatedSources);
const inC = mutatedC.flatMap((file) => cMutantsOf(file, readFileSync(join(repositoryRoot, file), "utf8"), 1));
const explained = explainedMutants();
let bench: StoryBench;
beforeAll(async () => void (bench = await StoryBench.open(set, 1, "without cuts")), 240_000);

const hunt = (mutant: number): Finding | undefined => bench.huntStories(mutant) ?? bench.huntByTranscripts(mutant);
const draw = <T>(from: readonly T[], count: number): T[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: Math.min(count, from.length) }, () => random.pick(from));
};
const said = (mutant: Mutant): string => `${mutant.file}:${mutant.line} ${mutant.operator} ${mutant.from} => ${mutant.to}`;

describe("mutants of what decides what boots", () => {
  it("are found by the stories, most of them without a cut", { timeout: 120_000 }, () => {
    const drawn = draw(set.mutants.filter((mutant) => !explained.has(keyOf(mutant))), DRAWN);
    const found = drawn.filter(({ number }) => hunt(number) !== undefined);
    console.log(`${found.length} of ${drawn.length} found`);
    expect(found.length, drawn.filter((mutant) => !found.includes(mutant)).map(said).join("\n")).toBeGreaterThanOrEqual(FOUND_AT_LEAST);
  });

  it("are found again where they survived once", { timeout: 120_000 }, () => {
    const keys = JSON.parse(readFileSync(join(repositoryRoot, "test/mutants/survived-once.json"), "utf8")) as string[];
    const byKey = new Map(set.mutants.map((mutant) => [keyOf(mutant), mutant]));
    const gone = keys.filter((key) => !byKey.has(key));
    expect(gone, "their lines were changed: take their keys from test/mutants/survived-once.json").toEqual([]);
    for (const key of draw(keys, AGAIN_DRAWN)) {
      const mutant = byKey.get(key);
      expect(hunt(mutant!.number), `${key}: survives again`).toBeDefined();
    }
  });

  it("that are explained are mutants of these sources, and survive", { timeout: 120_000 }, () => {
    const byKey = new Map([...set.mutants, ...inC].map((mutant) => [keyOf(mutant), mutant]));
    const gone = [...explained.keys()].filter((key) => !byKey.has(key));
    expect(gone, "take them from test/mutants/explained.json: it may only shrink").toEqual([]);
    for (const [key, { why }] of explained) expect(why.length, `${key} is not explained`).toBeGreaterThan(20);
    for (const key of draw([...explained.keys()].filter((each) => byKey.get(each)!.file.endsWith(".ts")), EXPLAINED_DRAWN)) {
      expect(hunt(byKey.get(key)!.number), `${key}: explained, and found all the same; its entry must go`).toBeUndefined();
    }
  });

  it.skipIf(hostCompiler() === undefined)("of the flash driver and the PMP's set-up are found by their checks", { timeout: 120_000 }, () => {
    const drawn = new Set(draw(inC.filter((mutant) => !explained.has(keyOf(mutant))), C_DRAWN).map(keyOf));
    const survivors: string[] = [];
    runCMutants(mutatedC, { first: 1, only: (mutant) => drawn.has(keyOf(mutant)), onVerdict: ({ mutant, finding }) => void (finding ?? survivors.push(said(mutant))) });
    expect(survivors).toEqual([]);
  });
});

describe("a patch of an engineer's own", () => {
  const source = "a\nb\nc\nd\ne\n";
  it("is put in at its lines, or where they have moved to", () => {
    const [patch] = parseDiff("--- a/x.ts\n+++ b/x.ts\n@@ -2,2 +2,3 @@\n b\n-c\n+C\n+CC\n");
    expect(applyTo(source, patch!)).toBe("a\nb\nC\nCC\nd\ne\n");
    expect(applyTo(`new\n${source}`, patch!)).toBe("new\na\nb\nC\nCC\nd\ne\n");
  });

  it("is refused where its lines are not there, or it is no diff", () => {
    const [patch] = parseDiff("--- a/x.ts\n+++ b/x.ts\n@@ -2,1 +2,1 @@\n-z\n+y\n");
    expect(() => applyTo(source, patch!)).toThrow(/does not fit x\.ts/);
    expect(() => parseDiff("hello")).toThrow(/no unified diff/);
  });
});
