// A slice of the rehearsals. `npm run rehearse -- --seeds 1000` is the deep run.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { rehearseCommand } from "./command.ts";

/** The first of the seeds that are played: the same ones each time, unless others are asked for. */
const first = Number(process.env["FLIPSIDE_SEED"] ?? 1);
const seeds = 16;

const folder = mkdtempSync(join(tmpdir(), "flipside-rehearsals-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("show no violation", { timeout: 600_000 }, async () => {
  console.log(`FLIPSIDE_SEED=${first} npx vitest run apps/rehearsal/test/rehearsals.test.ts`);
  const json = join(folder, "figures.json");
  const options = ["--first", String(first), "--seeds", String(seeds), "--no-planted", "--json", json];
  const { code, out } = await rehearseCommand(...options);
  expect(out).toContain(`${seeds} seeds: 0 with a violation`);
  expect(code).toBe(0);
  const figures = JSON.parse(readFileSync(json, "utf8"));
  expect(figures).toMatchObject({ seeds, violations: 0, planted: 0, plantedFound: 0 });
  expect(figures.seconds).toBeGreaterThan(0);
  expect(figures.real.installations, "by real agents").toBeGreaterThan(0);
  expect(figures.real.tornOperations, "of real agents' flash").toBeGreaterThan(0);
});

it("are the same line by line when their seed is the same, and differ otherwise", { timeout: 300_000 }, async () => {
  const digestOf = async (seed: number): Promise<string> => {
    const { code, out } = await rehearseCommand("--seed", String(seed));
    expect(code, out.slice(-2_000)).toBe(0);
    return /log ([0-9a-f]{64})$/m.exec(out)![1]!;
  };
  const [once, again, other] = [await digestOf(first), await digestOf(first), await digestOf(first + 1)];
  expect(again).toBe(once);
  expect(other).not.toBe(once);
});

it("refuse what they can't use, and say what to do", async () => {
  for (const [args, text] of [
    [["--seeds", "many"], "--seeds takes a whole number from 1 on, not many"],
    [["--sed", "1"], "Usage: npm run rehearse"],
    [["--bug", "goes-back"], "give --seed, too"],
    [["--seed", "1", "--bug", "of-nobody"], "there is no planted bug of-nobody: pause-offers, "],
  ] as const) {
    const { code, out } = await rehearseCommand(...args);
    expect(code).toBe(2);
    expect(out).toContain(text);
  }
});
