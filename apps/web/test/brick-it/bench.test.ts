// A device on the bench of the page "Try to brick it": what is shown of it, and that its counters are the judge's.

import { readFile } from "node:fs/promises";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { beforeAll, expect, it } from "vitest";
import { compileWasm } from "../../../agent/build/compile-module.ts";
import { agentSources } from "../../../agent/build/paths.ts";
import { plantedBugs } from "../../../power-cut/src/planted/bugs.ts";
import { memoryPages } from "@flipside/machine/factory/targets";
import { join } from "node:path";
import { Auto } from "../../src/brick-it/bench/auto.ts";
import { Bench } from "../../src/brick-it/bench/bench.ts";
import type { Demonstration } from "../../src/brick-it/bench/demonstration.ts";
import { kindNumber } from "../../src/brick-it/bench/page-map.ts";
import { inTheTab } from "../../src/brick-it/bench/surroundings.ts";
import { layout } from "../../src/brick-it/bench/geometry.ts";
import type { Counters } from "../../src/brick-it/snapshot.ts";
import { goOnUntil, opened, told } from "./opened.ts";

const seed = seedOfRun();
const seeds = `FLIPSIDE_SEED=${seed}`;
let demonstration: Demonstration;
beforeAll(async () => void (demonstration = await opened()), 120_000);

const newCounters = (): Counters => ({
  powerCuts: 0,
  powerUps: 0,
  bricked: 0,
  violations: [],
  confirmed: 0,
  rolledBack: 0,
  refused: 0,
  operations: 0,
});

const onBench = (made = demonstration): Bench => new Bench(made, inTheTab(made), seed);

/** Has checked in: it runs, and can be updated. */
function started(): Bench {
  const bench = onBench();
  bench.powerOn();
  goOnUntil(bench, () => bench.server.lastCheckIn !== undefined);
  return bench;
}

const isOver = (bench: Bench) => (): boolean => bench.server.result !== undefined;

it(`takes an update from offer to confirmed, and flips to the other slot (${seeds})`, () => {
  const bench = started();
  expect(bench.snapshot(false)).toMatchObject({ isOn: true, runningSlot: "a", nextVersion: "2.0.0" });
  expect(bench.update("healthy")).toBe(true);
  expect(bench.update("healthy"), "one at a time").toBe(false);
  goOnUntil(bench, isOver(bench));
  const snapshot = bench.snapshot(false);
  expect(snapshot).toMatchObject({
    runningSlot: "b",
    nextVersion: "3.0.0",
    slots: { a: { state: "confirmed", version: "1.0.0" }, b: { state: "confirmed", version: "2.0.0" } },
    update: { version: "2.0.0", state: "confirmed", isOver: true },
    counters: { powerCuts: 0, bricked: 0, violations: [], confirmed: 1 },
  });
  expect(told(snapshot).join("\n")).toMatch(
    /2\.0\.0 is fetched[^]*recorded as a candidate[^]*slot B is a candidate[^]*on trial[^]*runs and is confirmed/,
  );
});

it.each([
  ["crashes", "rolledBack", /The new image crashed/],
  ["unhealthy", "rolledBack", /did not report healthy in time/],
  ["stranger", "refused", /by a key that is not a release key/],
] as const)(`of an image that %s: it is counted as %s, and the reason is said (${seeds})`, (flavour, counted, why) => {
  const bench = started();
  bench.update(flavour);
  goOnUntil(bench, isOver(bench));
  const snapshot = bench.snapshot(false);
  expect(told(snapshot).at(-1)).toMatch(why);
  expect(snapshot).toMatchObject({ runningSlot: "a", counters: { [counted]: 1, confirmed: 0, violations: [] } });
});

it(`loses power at an operation, shows what is torn, comes back and ends its update (${seeds})`, async () => {
  const bench = started();
  bench.update("healthy");
  for (const operation of [3, 12, 10, 9, 4]) {
    bench.pullAt("any", "subset", operation);
    goOnUntil(bench, () => !bench.device.isOn);
    await bench.judged();
    const { kinds, phase } = bench.snapshot(false);
    expect(phase).toBe("off");
    expect(kinds.includes(kindNumber("torn"))).toBe(true);
    expect(bench.powerOn()).toBe(true);
  }
  goOnUntil(bench, isOver(bench));
  expect(bench.snapshot(false).counters).toMatchObject({ powerCuts: 5, bricked: 0, violations: [], confirmed: 1 });
});

it(`loses power between two operations, and goes on where it was (${seeds})`, async () => {
  const bench = started();
  bench.update("healthy");
  goOnUntil(bench, () => (bench.server.chunksFetched ?? 0) > 8);
  bench.pull();
  await bench.judged();
  bench.powerOn();
  goOnUntil(bench, isOver(bench));
  const { counters, console: lines } = bench.snapshot(false);
  expect(counters).toMatchObject({ powerCuts: 1, bricked: 0, violations: [], confirmed: 1 });
  expect(lines.join("\n")).toMatch(/download goes on at chunk [1-9]/);
});

/** Everything that is told, of so many power-ups; `stepUs`: how much time goes by at once. */
async function toldOf(auto: Auto, powerUps: number, stepUs: number, operationsMax: number): Promise<string[]> {
  const lines: string[] = [];
  while (auto.bench.counters.powerUps < powerUps) {
    await auto.powerOn();
    const { bench } = auto;
    while (bench.device.isOn) bench.advance(stepUs, operationsMax, () => false);
    await bench.judged();
    lines.push(...told(bench.snapshot(true)));
  }
  return lines;
}

it(`does the same again from the same seed, at whatever pace (${seeds})`, { timeout: 240_000 }, async () => {
  const auto = (): Auto => new Auto(demonstration, seed, newCounters());
  const [slow, fast] = [auto(), auto()];
  const lines = await toldOf(slow, 20, 7_000, 2);
  expect(await toldOf(fast, 20, 1_000_000, Infinity)).toEqual(lines);
  expect(slow.bench.counters).toEqual(fast.bench.counters);
  expect(slow.bench.counters).toMatchObject({ bricked: 0, violations: [], powerCuts: 20 });
  expect(slow.bench.counters.confirmed).toBeGreaterThan(0);
});

it(`counts what the judge finds: a loader with a bug in it breaks its promises (${seeds})`, {
  timeout: 240_000,
}, async () => {
  const bug = plantedBugs.find(({ name }) => name === "tries-not-counted")!;
  const entry = join(agentSources, "boot/boot.ts");
  const wasm = await compileWasm({ name: "boot", entry, memoryPages: memoryPages.boot, patches: bug.patches });
  const bootModule = await WebAssembly.compile(new Uint8Array(await readFile(wasm)));
  const bench = onBench({ ...demonstration, bootModule });
  bench.powerOn();
  goOnUntil(bench, () => bench.server.lastCheckIn !== undefined);
  bench.update("crashes");
  goOnUntil(bench, () => bench.counters.violations.length > 0);
  expect(bench.counters.violations[0]).toMatch(/^invariant 3: .*try/);
});

it(`is bricked by a loader that can't see what it could start, and the judge says so (${seeds})`, {
  timeout: 240_000,
}, async () => {
  const patches = [
    {
      file: "apps/agent/src/boot/boot.ts",
      find: "  return startOne(reason);",
      replace: "  return RecoveryReason.NoImage;",
    },
  ];
  const entry = join(agentSources, "boot/boot.ts");
  const wasm = await compileWasm({ name: "boot", entry, memoryPages: memoryPages.boot, patches });
  const bootModule = await WebAssembly.compile(new Uint8Array(await readFile(wasm)));
  const bench = onBench({ ...demonstration, bootModule });
  bench.powerOn();
  goOnUntil(bench, () => bench.snapshot(false).phase === "recovery");
  await bench.judged();
  expect(bench.counters).toMatchObject({ bricked: 1, violations: [expect.stringMatching(/^invariant 2/)] });
});

it(`whose only image is damaged by hand waits in recovery and is not called bricked; the confirmed other one boots (${seeds})`, async () => {
  const bench = started();
  bench.flipBits("slotA");
  bench.pull();
  await bench.judged();
  bench.powerOn();
  goOnUntil(bench, () => bench.snapshot(false).phase === "recovery");
  await bench.judged();
  expect(bench.counters).toMatchObject({ bricked: 0, violations: [] });

  const other = started();
  other.update("healthy");
  goOnUntil(other, isOver(other));
  other.flipBits("slotB");
  other.pull();
  await other.judged();
  other.powerOn();
  goOnUntil(other, () => other.snapshot(false).runningSlot !== undefined);
  expect(other.snapshot(false)).toMatchObject({ runningSlot: "a", counters: { bricked: 0, violations: [] } });
});

it(`with boot control worn out runs what is confirmed, and is not blamed for old records (${seeds})`, async () => {
  const bench = started();
  bench.device.cells.wornSectors.add(layout.sectorBytes);
  bench.wearOut("bootControl");
  for (let powerUp = 0; powerUp < 6; powerUp++) {
    bench.pull();
    await bench.judged();
    bench.powerOn();
    goOnUntil(bench, () => bench.snapshot(false).runningSlot === "a");
  }
  expect(bench.counters).toMatchObject({ powerCuts: 6, bricked: 0, violations: [] });
});

it(`with a sector of the idle slot worn out says that the update failed, and runs on (${seeds})`, () => {
  const bench = started();
  for (let sector = 0; sector < 8; sector++) bench.wearOut("slotB");
  expect(bench.snapshot(false).isVouchedFor, "of more than one the campaign claims nothing").toBe(false);
  bench.update("healthy");
  goOnUntil(bench, isOver(bench));
  const snapshot = bench.snapshot(false);
  expect(snapshot).toMatchObject({ runningSlot: "a", update: { state: "failed" }, counters: { refused: 1 } });
  expect(told(snapshot).at(-1)).toMatch(/could not be installed\. \S/);
});
