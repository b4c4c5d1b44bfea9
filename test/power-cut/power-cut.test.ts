// Power is cut at every flash operation of an update, in every way that the fault model knows, and again while the device
// recovers; after each power-up the flash alone has to show that the invariants of docs/boot-control.md hold.
//
// The code is what ships: the boot loader and agent as .wasm, on the Node host, with a clock that stands still until the
// test moves it. A case that fails is printed with what replays it: FLIPSIDE_SEED=… FLIPSIDE_CASE=scenario:operation:way.

import { BOOT_RECORD_CHECK_OFFSET, SlotState } from "@flipside/image-format";
import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom, seedOfRun } from "../../apps/agent/hosts/fault/seeded-random.ts";
import { type Tear, tears } from "../../apps/agent/hosts/fault/torn-operation.ts";
import { newestRecord } from "./flash-contents.ts";
import { openWorkshop, type UpdateImage, type Workshop } from "./images.ts";
import { type Afterglow, type Cut, Rig } from "./rig.ts";

/** Ways in which a cut leaves its operation. Bits that are unstable hide how it tore, so one way of tearing does there. */
const ways: Record<string, { tear: Tear; afterglow: Afterglow }> = {
  ...Object.fromEntries(tears.map((tear) => [tear, { tear, afterglow: "stable" }])),
  unstable: { tear: "nothing", afterglow: "unstable" },
  "marginal-begun": { tear: "nothing", afterglow: "marginal" },
  "marginal-done": { tear: "everything", afterglow: "marginal" },
};
const wayNames = Object.keys(ways);

const RANDOM_CASES = 100;
const RANDOM_CUTS_MAX = 5;
const TURNOVER_POWER_UPS = 400;

const seed = seedOfRun();
const onlyCase = process.env["FLIPSIDE_CASE"];
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);

interface Scenario {
  flash: Uint8Array;
  secrets: string[];
  /** What the server wants the device to run; undefined: the device shall only start and check in. */
  image: UpdateImage | undefined;
  outcome: string | undefined;
  /** Operations from here on are cut. */
  firstOperation: number;
  lastOperation: number;
}

let workshop: Workshop;
const scenarios: Record<string, Scenario> = {};

/** Seeds of cases have nothing in common, and don't depend on which cases run. */
function seedFor(name: string): number {
  const random = new SeededRandom(seed);
  let mixed = 0;
  for (const char of name) mixed = (Math.imul(mixed ^ random.next(), 31) + char.charCodeAt(0)) >>> 0;
  return mixed;
}

const settledIn = (rig: Rig, scenario: Scenario) => (): boolean => (scenario.image ? rig.server.outcome !== undefined : rig.server.lastCheckIn !== undefined);

function rigFor(name: string, scenario: Scenario): Rig {
  const rig = new Rig(workshop, seedFor(name), scenario.flash, scenario.secrets);
  if (scenario.image) rig.server.deployment = { id: scenario.image.digest.slice(0, 20), attempt: 1, image: scenario.image };
  return rig;
}

/** Runs a scenario without any cut: how many operations it takes, and what it leaves. */
async function rehearse(name: string, start: Pick<Scenario, "flash" | "secrets" | "image" | "outcome">): Promise<Rig> {
  const scenario = (scenarios[name] = { ...start, firstOperation: 1, lastOperation: 0 });
  const rig = rigFor(name, scenario);
  const end = await rig.powerUp(undefined, settledIn(rig, scenario));
  expect([name, end, rig.server.outcome, rig.violations]).toEqual([name, "settled", start.outcome, []]);
  scenario.lastOperation = rig.operations.length;
  return rig;
}

beforeAll(async () => {
  workshop = await openWorkshop();
  const { good, crashing, next } = workshop;
  const enrolled = await rehearse("first-start", { flash: workshop.factory, secrets: [], image: undefined, outcome: undefined });
  const start = { flash: enrolled.device.flashBytes.slice(), secrets: enrolled.server.secrets };
  const updated = await rehearse("first-update", { ...start, image: good, outcome: "confirmed" });
  // Both slots and the journal are in use, and the floor has risen: the other direction.
  await rehearse("second-update", { flash: updated.device.flashBytes.slice(), secrets: start.secrets, image: next, outcome: "confirmed" });
  await rehearse("crashing-update", { ...start, image: crashing, outcome: "rolled-back" });
  // Its download is that of the first update; what differs begins with the candidate record.
  scenarios["crashing-update"]!.firstOperation = scenarios["first-update"]!.lastOperation - 8;
}, 240_000);

/** Plays one case; returns what did not hold. */
async function play(name: string, scenario: Scenario, cuts: Cut[]): Promise<string[]> {
  const rig = rigFor(name, scenario);
  const settled = settledIn(rig, scenario);
  let cutsMade = 0;
  for (const cut of cuts) {
    if ((await rig.powerUp(cut, settled)) !== "cut") break;
    cutsMade++;
  }
  if (cutsMade === 0) rig.violations.push("the cut did not come");
  // Power stays from here on: the update has to end, and what it ended in has to stay.
  for (const when of ["after the last cut", "at the power-up after that"]) {
    await rig.powerUp(undefined, settled);
    const { outcome } = rig.server;
    // Every cut during its trial uses up one of a candidate's three tries.
    const triesUsedUp = cutsMade >= 3 && outcome === "rolled-back";
    if (outcome !== scenario.outcome && !triesUsedUp) rig.violations.push(`${when} the update is ${outcome}, not ${scenario.outcome}`);
  }
  return rig.violations;
}

async function campaign(cases: { name: string; scenario: Scenario; cuts: Cut[] }[]): Promise<void> {
  const wanted = cases.filter(({ name }) => onlyCase === undefined || name === onlyCase);
  const failures: string[] = [];
  const began = performance.now();
  for (const { name, scenario, cuts } of wanted) {
    const violations = await play(name, scenario, cuts);
    if (violations.length > 0) failures.push(`FLIPSIDE_SEED=${seed} FLIPSIDE_CASE=${name}: ${violations.join("; ")} (cuts: ${JSON.stringify(cuts)})`);
    // The test runner wants to be heard now and then.
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(`${wanted.length} cases in ${((performance.now() - began) / 1000).toFixed(1)} s, ${failures.length} failed`);
  expect(failures, failures.slice(0, 10).join("\n")).toEqual([]);
}

const names = ["first-start", "first-update", "second-update", "crashing-update"];

describe("a device that loses power", () => {
  it.each(names)("%s: at every flash operation, in every way, boots a whole image and comes to its end", { timeout: 240_000 }, async (scenarioName) => {
    const scenario = scenarios[scenarioName]!;
    const operations = Array.from({ length: scenario.lastOperation - scenario.firstOperation + 1 }, (_, i) => scenario.firstOperation + i);
    await campaign(operations.flatMap((operation) => wayNames.map((way) => ({ name: `${scenarioName}:${operation}:${way}`, scenario, cuts: [{ operation, ...ways[way]! }] }))));
  });

  it.each(names)("%s: and again while it recovers, does the same", { timeout: 240_000 }, async (scenarioName) => {
    const scenario = scenarios[scenarioName]!;
    await campaign(
      Array.from({ length: RANDOM_CASES }, (_, i) => {
        const name = `${scenarioName}:again:${i}`;
        const random = new SeededRandom(seedFor(name) ^ 0xc075);
        const cuts = Array.from({ length: 2 + random.below(RANDOM_CUTS_MAX - 1) }, (_, n) => ({
          // Recovery begins with boot control, so half of the later cuts come there.
          operation: n > 0 && random.below(2) === 0 ? 1 + random.below(4) : scenario.firstOperation + random.below(scenario.lastOperation - scenario.firstOperation + 1),
          ...ways[random.pick(wayNames)]!,
        }));
        return { name, scenario, cuts };
      }),
    );
  });
});

describe("an update that is taken up again", () => {
  it("does not trust header and table for having read well once, when power failed while they were programmed", { timeout: 240_000 }, async () => {
    const scenario = scenarios["first-update"]!;
    const rehearsal = rigFor("manifest", scenario);
    await rehearsal.powerUp(undefined, settledIn(rehearsal, scenario));
    const { slotB } = workshop.layout.zones;
    const operations = [...rehearsal.operations.entries()]
      .filter(([, { kind, offset }]) => kind === "program" && offset >= slotB.offsetBytes && offset < slotB.offsetBytes + workshop.layout.sectorBytes)
      .map(([i]) => i + 1);
    expect(operations).toHaveLength(2);
    await campaign(operations.flatMap((operation) => Array.from({ length: 16 }, (_, i) => ({ name: `manifest:${operation}:${i}`, scenario, cuts: [{ operation, ...ways["marginal-done"]! }] }))));
  });
});

describe("the boot-control log", () => {
  it("turns over again and again under power cuts, and what it says is never lost", { timeout: 240_000 }, async () => {
    const { flash, secrets } = scenarios["second-update"]!;
    const rig = new Rig(workshop, seedFor("turnover"), flash, secrets);
    const random = new SeededRandom(seedFor("turnover") ^ 0xc075);
    let cuts = 0;
    for (let n = 0; n < TURNOVER_POWER_UPS; n++) {
      const starts = rig.acted.length;
      const cut = random.below(3) === 0 ? undefined : { operation: 1 + random.below(4), ...ways[random.pick(wayNames)]! };
      const end = await rig.powerUp(cut, () => rig.acted.length > starts);
      if (end === "cut") cuts++;
      const record = newestRecord(workshop.layout, rig.device.flashBytes)!;
      expect([record.activeSlot, record.stateA, record.stateB, record.securityFloor], `power-up ${n}, FLIPSIDE_SEED=${seed}`).toEqual([1, SlotState.Confirmed, SlotState.Confirmed, 2]);
      expect(rig.violations, `power-up ${n}, FLIPSIDE_SEED=${seed}`).toEqual([]);
    }
    const turnovers = new Set(rig.acted.map(({ epoch }) => epoch)).size;
    console.log(`${TURNOVER_POWER_UPS} power-ups, ${cuts} cuts, ${turnovers} epochs`);
    expect(cuts).toBeGreaterThan(TURNOVER_POWER_UPS / 4);
    expect(turnovers).toBeGreaterThan(50);
  });

  it.each(["zeros", "noise", "torn records"])("when both sectors hold %s, is made anew from what the slots hold, and that is reported", async (what) => {
    const { flash, secrets } = scenarios["second-update"]!;
    const destroyed = flash.slice();
    const { offsetBytes, sizeBytes } = workshop.layout.zones.bootControl;
    const random = new SeededRandom(seedFor(what));
    for (let i = 0; i < sizeBytes; i++) {
      if (what === "zeros") destroyed[offsetBytes + i] = 0;
      else if (what === "noise") destroyed[offsetBytes + i] = random.below(256);
      else if (i % 4096 === BOOT_RECORD_CHECK_OFFSET) destroyed[offsetBytes + i] = 0;
    }
    expect(newestRecord(workshop.layout, destroyed)).toBeUndefined();
    const rig = new Rig(workshop, seedFor(what), destroyed, secrets);
    expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined)).toBe("settled");
    expect(rig.violations).toEqual([]);
    expect(rig.device.console.join("\n")).toContain("boot control was lost and made anew");
    expect(rig.server.lastCheckIn).toMatchObject({ bootControl: "rebuilt", floor: 2, running: { slot: "b", digest: workshop.good.digest, state: "confirmed" }, other: { state: "confirmed" } });
    // Said again at later starts: a report that was lost is no reason to forget it.
    expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined)).toBe("settled");
    expect(rig.server.lastCheckIn).toMatchObject({ floor: 2, running: { slot: "b" } });
  });
});
