// Cases of power cuts: what happens to a device without them, and with chosen ones. Each has a name, and follows from
// it and the seed of the run: FLIPSIDE_SEED=… FLIPSIDE_CASE=scenario:operation:way~reading replays one alone.

import { expect } from "vitest";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { openWorkshop, type UpdateImage, type Workshop } from "./images.ts";
import type { Cut } from "../../apps/power-cut/src/rig/device-under-test.ts";
import { playCase, settledOn } from "../../apps/power-cut/src/rig/play-case.ts";
import { singleCuts } from "./chosen-cuts.ts";
import { NodeRig } from "./node-rig.ts";

export const seed = seedOfRun();
const onlyCase = process.env["FLIPSIDE_CASE"];
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);

export interface Scenario {
  flash: Uint8Array;
  secrets: string[];
  /** What the server wants the device to run; undefined: the device shall only start and check in. */
  image: UpdateImage | undefined;
  outcome: string | undefined;
  /** All of it, without a cut. */
  operations: readonly FlashOperation[];
  /** Counted from 1: operations from here on are cut. */
  firstOperation: number;
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

export function rigFor(name: string, scenario: Scenario): NodeRig {
  const rig = new NodeRig(workshop, seedFor(name), scenario.flash, scenario.secrets);
  if (scenario.image)
    rig.server.deployment = { id: scenario.image.digest.slice(0, 20), attempt: 1, image: scenario.image };
  return rig;
}

/** Runs a scenario without any cut: how many operations it takes, and what it leaves. */
async function rehearse(
  name: string,
  start: Pick<Scenario, "flash" | "secrets" | "image" | "outcome">,
): Promise<NodeRig> {
  const scenario: Scenario = (scenarios[name] = { ...start, firstOperation: 1, operations: [] });
  const rig = rigFor(name, scenario);
  const end = await rig.powerUp(undefined, settledOn(rig));
  expect([name, end, rig.server.outcome, rig.violations]).toEqual([name, "settled", start.outcome, []]);
  scenario.operations = rig.operations;
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
  scenarios["crashing-update"]!.firstOperation = scenarios["first-update"]!.operations.length - 8;
}

/** At each operation of a story, cuts of every class. `name`: of the story. */
export const everySingleCut = (
  name: string,
  operations: readonly FlashOperation[],
  firstOperation = 1,
): { name: string; cuts: Cut[] }[] =>
  operations.slice(firstOperation - 1).flatMap(({ kind }, i) => {
    const operation = firstOperation + i;
    const random = new SeededRandom(seedFor(`${name}:${operation}`));
    return singleCuts(operation, kind, random).map((each) => ({ name: `${name}:${each.name}`, cuts: [each.cut] }));
  });

/** Plays one case; returns what did not hold. */
async function play(name: string, scenario: Scenario, cuts: Cut[]): Promise<string[]> {
  const rig = rigFor(name, scenario);
  const made = await playCase(rig, scenario.outcome, cuts);
  if (made.length === 0) rig.violations.push("the cut did not come");
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
