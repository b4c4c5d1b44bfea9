// A slice of the mutation campaign (`npm run mutants`, docs/power-cut.md): mutants drawn from a seed against the
// stories without cuts; those that survived once; and whether what is explained still is a mutant, and still survives.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { hostCompiler } from "../../apps/agent/test/flash-driver/host-build.ts";
import { cMutantsOf, mutatedC, runCMutants } from "./c-mutants.ts";
import { explainedMutants } from "./campaign.ts";
import { keyOf, type Mutant } from "./operators.ts";
import { applyTo, parseDiff } from "./patch.ts";
import { mutantsOf, mutatedSources, onlyThese } from "./sources.ts";
import { type Finding, StoryBench } from "./story-bench.ts";

const seed = seedOfRun();
console.log(`mutants: FLIPSIDE_SEED=${seed}`);

const DRAWN = 15;
/** The stories and the transcripts that are written down find more than 45 in 100; none of 15 once in 7,800 times. */
const FOUND_AT_LEAST = 1;
/** Of those that survived once. */
const AGAIN_DRAWN = 6;
/** Of those that are explained. */
const EXPLAINED_DRAWN = 4;
const C_DRAWN = 8;

const draw = <T>(from: readonly T[], count: number): T[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: Math.min(count, from.length) }, () => random.pick(from));
};
const set = mutantsOf(mutatedSources);
const byKey = new Map(set.mutants.map((mutant) => [keyOf(mutant), mutant]));
const inC = mutatedC.flatMap((file) => cMutantsOf(file, readFileSync(join(repositoryRoot, file), "utf8"), 1));
const explained = explainedMutants();
const survivedOnce = JSON.parse(
  readFileSync(join(repositoryRoot, "test/mutants/survived-once.json"), "utf8"),
) as string[];
const inForce = (keys: readonly string[]): Mutant[] => keys.flatMap((key) => byKey.get(key) ?? []);
const drawn = {
  any: draw(
    set.mutants.filter((mutant) => !explained.has(keyOf(mutant))),
    DRAWN,
  ),
  again: inForce(draw(survivedOnce, AGAIN_DRAWN)),
  explained: inForce(
    draw(
      [...explained.keys()].filter((key) => byKey.has(key)),
      EXPLAINED_DRAWN,
    ),
  ),
};
let bench: StoryBench;
beforeAll(
  async () =>
    void (bench = await StoryBench.open(
      onlyThese(
        set,
        new Set(
          Object.values(drawn)
            .flat()
            .map(({ number }) => number),
        ),
      ),
      1,
      "without cuts",
    )),
  240_000,
);

const hunt = (mutant: number): Finding | undefined => bench.huntStories(mutant) ?? bench.huntByTranscripts(mutant);
const said = (mutant: Mutant): string =>
  `${mutant.file}:${mutant.line} ${mutant.operator} ${mutant.from} => ${mutant.to}`;

describe("mutants of what decides what boots", () => {
  it("are found by the stories, most of them without a cut", { timeout: 120_000 }, () => {
    const found = drawn.any.filter(({ number }) => hunt(number) !== undefined);
    console.log(`${found.length} of ${drawn.any.length} found`);
    expect(
      found.length,
      drawn.any
        .filter((mutant) => !found.includes(mutant))
        .map(said)
        .join("\n"),
    ).toBeGreaterThanOrEqual(FOUND_AT_LEAST);
  });

  it("are found again where they survived once", { timeout: 120_000 }, () => {
    expect(
      survivedOnce.filter((key) => !byKey.has(key)),
      "their lines were changed: take their keys from test/mutants/survived-once.json",
    ).toEqual([]);
    expect(drawn.again).toHaveLength(AGAIN_DRAWN);
    for (const mutant of drawn.again) expect(hunt(mutant.number), `${keyOf(mutant)}: survives again`).toBeDefined();
  });

  it("that are explained are mutants of these sources, and survive", { timeout: 120_000 }, () => {
    const known = new Set([...set.mutants, ...inC].map(keyOf));
    expect(
      [...explained.keys()].filter((key) => !known.has(key)),
      "take them from test/mutants/explained.json: it may only shrink",
    ).toEqual([]);
    for (const [key, { why }] of explained) expect(why.length, `${key} is not explained`).toBeGreaterThan(20);
    expect(drawn.explained).toHaveLength(EXPLAINED_DRAWN);
    for (const mutant of drawn.explained)
      expect(
        hunt(mutant.number),
        `${keyOf(mutant)}: explained, and found all the same; its entry must go`,
      ).toBeUndefined();
  });

  it.skipIf(hostCompiler() === undefined)(
    "of the flash driver and the PMP's set-up are found by their checks",
    { timeout: 120_000 },
    () => {
      const chosen = new Set(
        draw(
          inC.filter((mutant) => !explained.has(keyOf(mutant))),
          C_DRAWN,
        ).map(keyOf),
      );
      const survivors: string[] = [];
      runCMutants(mutatedC, {
        first: 1,
        only: (mutant) => chosen.has(keyOf(mutant)),
        onVerdict: ({ mutant, finding }) => void (finding ?? survivors.push(said(mutant))),
      });
      expect(survivors).toEqual([]);
    },
  );
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
