// Cases of power cuts: what happens to a device without them, and with chosen ones. Each has a name, and follows from
// it and the seed of the run: FLIPSIDE_SEED=… FLIPSIDE_CASE=scenario:operation:way replays one alone.

import { expect } from "vitest";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { type Tear, tears } from "@flipside/machine/faults/torn-operation";
import { openWorkshop, type UpdateImage, type Workshop } from "./images.ts";
import { type Afterglow, type Cut, Rig } from "./rig.ts";

/**
 * Ways in which a cut leaves its operation. Bits that are unstable hide how it tore, so one way of tearing does there.
 */
export const ways: Record<string, { tear: Tear; afterglow: Afterglow }> = {
  ...Object.fromEntries(tears.map((tear) => [tear, { tear, afterglow: "stable" }])),
  unstable: { tear: "nothing", afterglow: "unstable" },
  "marginal-begun": { tear: "nothing", afterglow: "marginal" },
  "marginal-done": { tear: "everything", afterglow: "marginal" },
};
export const wayNames = Object.keys(ways);

export const seed = seedOfRun();
const onlyCase = process.env["FLIPSIDE_CASE"];
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);

export interface Scenario {
  flash: Uint8Array;
  secrets: string[];
  /** What the server wants the device to run; undefined: the device shall only start and check in. */
  image: UpdateImage | undefined;
  outcome: string | undefined;
  /** Operations from here on are cut. */
  firstOperation: number;
  lastOperation: number;
}

export let workshop: Workshop;
export const scenarios: Record<string, Scenario> = {};

/** Seeds of cases have nothing in common, and don't depend on which cases run. */
export function seedFor(name: string): number {
  const random = new SeededRandom(seed);
  let mixed = 0;
  for (const char of name) mixed = (Math.imul(mixed ^ random.next(), 31) + char.charCodeAt(0)) >>> 0;
  return mixed;
}

export const settledIn = (rig: Rig, scenario: Scenario) => (): boolean =>
  scenario.image ? rig.server.outcome !== undefined : rig.server.lastCheckIn !== undefined;

export function rigFor(name: string, scenario: Scenario): Rig {
  const rig = new Rig(workshop, seedFor(name), scenario.flash, scenario.secrets);
  if (scenario.image)
    rig.server.deployment = { id: scenario.image.digest.slice(0, 20), attempt: 1, image: scenario.image };
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

export const scenarioNames = ["first-start", "first-update", "second-update", "crashing-update"];

/** Makes the images and rehearses all scenarios, before the first test. */
export async function openCampaign(): Promise<void> {
  workshop = await openWorkshop();
  const { good, crashing, next } = workshop;
  const enrolled = await rehearse("first-start", {
    flash: workshop.factory,
    secrets: [],
    image: undefined,
    outcome: undefined,
  });
  const start = { flash: enrolled.device.flashBytes.slice(), secrets: enrolled.server.secrets };
  const updated = await rehearse("first-update", { ...start, image: good, outcome: "confirmed" });
  // Both slots and the journal are in use, and the floor has risen: the other direction.
  await rehearse("second-update", {
    flash: updated.device.flashBytes.slice(),
    secrets: start.secrets,
    image: next,
    outcome: "confirmed",
  });
  await rehearse("crashing-update", { ...start, image: crashing, outcome: "rolled-back" });
  // Its download is that of the first update; what differs begins with the candidate record.
  scenarios["crashing-update"]!.firstOperation = scenarios["first-update"]!.lastOperation - 8;
}

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
    if (outcome !== scenario.outcome && !triesUsedUp)
      rig.violations.push(`${when} the update is ${outcome}, not ${scenario.outcome}`);
  }
  return rig.violations;
}

export async function campaign(cases: { name: string; scenario: Scenario; cuts: Cut[] }[]): Promise<void> {
  const wanted = cases.filter(({ name }) => onlyCase === undefined || name === onlyCase);
  const failures: string[] = [];
  const began = performance.now();
  for (const { name, scenario, cuts } of wanted) {
    const violations = await play(name, scenario, cuts);
    if (violations.length > 0)
      failures.push(
        `FLIPSIDE_SEED=${seed} FLIPSIDE_CASE=${name}: ${violations.join("; ")} (cuts: ${JSON.stringify(cuts)})`,
      );
    // The test runner wants to be heard now and then.
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(
    `${wanted.length} cases in ${((performance.now() - began) / 1000).toFixed(1)} s, ${failures.length} failed`,
  );
  expect(failures, failures.slice(0, 10).join("\n")).toEqual([]);
}
