// A device that loses power while it goes back to its other slot, or takes another configuration: at every flash
// operation, in every way that the fault model knows, and again while it recovers. It ends with the old or the new,
// whole, and says which; what it is given again it does.

import { createHash } from "node:crypto";
import { ErrorCode } from "@flipside/image-format";
import * as C from "@flipside/image-format/portable/command";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { beforeAll, describe, expect, it } from "vitest";
import type { Cut } from "../../apps/power-cut/src/rig/device-under-test.ts";
import { everySingleCut, seed, seedFor } from "./campaign.ts";
import { drawCut } from "./chosen-cuts.ts";
import { give, type Given, utf8 } from "./commands-bench.ts";
import { openWorkshop, type Workshop } from "./images.ts";
import { NodeRig } from "./node-rig.ts";
import type { CheckIn } from "./scripted-server.ts";

const RANDOM_CASES = Number(process.env["FLIPSIDE_CASES"] ?? 40);
const onlyCase = process.env["FLIPSIDE_CASE"];

interface Start {
  flash: Uint8Array;
  secrets: string[];
}

/** A change that a command makes. */
interface Change {
  from: () => Start;
  command: Given;
  /** Everything that the device may say of itself, whenever it says anything. */
  isWhole(checkIn: CheckIn): boolean;
  /** It was made. */
  isMade(checkIn: CheckIn): boolean;
}

const old = '{"lowestMilliC":-10000}';
const proposed = '{"lowestMilliC":-20000,"highestMilliC":50000,"reportEverySeconds":3}';
const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const saysConfiguration = ({ configuration }: CheckIn, number: number, text: string): boolean =>
  configuration?.number === number && configuration.digest === digestOf(text);
const configuration = (number: number, text: string): Given => ({
  kind: C.COMMAND_SET_CONFIGURATION,
  configuration: { number, document: utf8(text) },
});

let workshop: Workshop;
let enrolled: Start;
let configured: Start;
/** 3.0.0 in slot A over 2.0.0 in slot B, both confirmed. */
let updated: Start;

const startOf = (rig: NodeRig): Start => ({ flash: rig.device.flashBytes.slice(), secrets: rig.server.secrets });

beforeAll(async () => {
  workshop = await openWorkshop();
  const rig = new NodeRig(workshop, seedFor("enrolment"));
  await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined);
  enrolled = startOf(rig);
  configured = await madeBy("configured", {
    ...changes["a configuration, the first"]!,
    command: configuration(1, old),
  });
  updated = enrolled;
  for (const image of [workshop.good, workshop.next]) {
    const updating = new NodeRig(workshop, seedFor(image.name), updated.flash, updated.secrets);
    updating.server.deployment = { id: `d-${image.name}`, attempt: 1, image };
    expect(await updating.powerUp(undefined, () => updating.server.outcome !== undefined)).toBe("settled");
    expect([updating.server.outcome, updating.violations]).toEqual(["confirmed", []]);
    updated = startOf(updating);
  }
}, 120_000);

async function madeBy(name: string, { from, command }: Change): Promise<Start> {
  const rig = new NodeRig(workshop, seedFor(name), from().flash, from().secrets);
  give(workshop.keys.operations, rig, [command]);
  const isMade = (): boolean => rig.server.lastCheckIn?.configuration !== undefined;
  expect(await rig.powerUp(undefined, isMade)).toBe("settled");
  expect(rig.violations).toEqual([]);
  return startOf(rig);
}

const changes: Record<string, Change> = {
  "a configuration, the first": {
    from: () => enrolled,
    command: configuration(2, proposed),
    isWhole: (checkIn) => checkIn.configuration === undefined || saysConfiguration(checkIn, 2, proposed),
    isMade: (checkIn) => saysConfiguration(checkIn, 2, proposed),
  },
  "a configuration, in place of another": {
    from: () => configured,
    command: configuration(2, proposed),
    isWhole: (checkIn) => saysConfiguration(checkIn, 1, old) || saysConfiguration(checkIn, 2, proposed),
    isMade: (checkIn) => saysConfiguration(checkIn, 2, proposed),
  },
  "a roll-back": {
    from: () => updated,
    command: { kind: C.COMMAND_ROLL_BACK },
    isWhole: ({ running, other, deployment }) =>
      running.state === "confirmed" &&
      other.state === "confirmed" &&
      (running.version === "3.0.0"
        ? other.reason === 0 && deployment?.state === "confirmed"
        : other.reason === ErrorCode.RolledBackByCommand &&
          deployment?.state === "rolled-back" &&
          deployment.code === ErrorCode.RolledBackByCommand),
    isMade: ({ running }) => running.version === "2.0.0",
  },
};

/** Given in each session until the device says that it is made, as a server does. */
function rigFor(name: string, { from, command, isWhole, isMade }: Change): NodeRig {
  const rig = new NodeRig(workshop, seedFor(name), from().flash, from().secrets);
  let given = "";
  const giveOnce = (session: { deviceNonce: string }): boolean => {
    const isNew = given !== session.deviceNonce;
    given = session.deviceNonce;
    return isNew;
  };
  rig.server.afterCheckIn = (checkIn, session, send) => {
    if (isMade(checkIn) || !giveOnce(session)) return;
    rig.server.answers.length = 0;
    give(workshop.keys.operations, rig, [command]);
    const { afterCheckIn } = rig.server;
    rig.server.afterCheckIn = again;
    afterCheckIn(checkIn, session, send);
  };
  const again = rig.server.afterCheckIn;
  const before = rig.server.onCheckIn;
  rig.server.onCheckIn = (checkIn) => {
    before(checkIn);
    if (!isWhole(checkIn)) rig.violations.push(`neither old nor new: ${JSON.stringify(checkIn)}`);
  };
  return rig;
}

const made =
  (rig: NodeRig, { isMade }: Change) =>
  (): boolean =>
    rig.server.lastCheckIn !== undefined && isMade(rig.server.lastCheckIn);

/** Plays one case; returns what did not hold. */
async function play(name: string, change: Change, cuts: readonly Cut[]): Promise<string[]> {
  const rig = rigFor(name, change);
  let cutsMade = 0;
  for (const cut of cuts) {
    if ((await rig.powerUp(cut, made(rig, change))) !== "cut") break;
    cutsMade++;
  }
  if (cutsMade === 0) rig.violations.push("the cut did not come");
  for (const when of ["after the last cut", "at the power-up after that"])
    if ((await rig.powerUp(undefined, made(rig, change))) !== "settled")
      rig.violations.push(`${when} it is not made: ${JSON.stringify(rig.server.lastCheckIn)}`);
  if (rig.server.secrets.length !== enrolled.secrets.length)
    rig.violations.push("the secret was lost: the device enrolled anew");
  return rig.violations;
}

async function playAll(change: Change, cases: { name: string; cuts: Cut[] }[]): Promise<void> {
  const failures: string[] = [];
  for (const { name, cuts } of cases.filter((each) => onlyCase === undefined || each.name === onlyCase)) {
    const violations = await play(name, change, cuts);
    if (violations.length > 0)
      failures.push(
        `FLIPSIDE_SEED=${seed} FLIPSIDE_CASE='${name}': ${violations.join("; ")} (${JSON.stringify(cuts)})`,
      );
    // The test runner wants to be heard now and then.
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(`${cases.length} cases, ${failures.length} failed`);
  expect(failures, failures.slice(0, 10).join("\n")).toEqual([]);
}

async function operationsOf(name: string, change: Change): Promise<FlashOperation[]> {
  const rig = rigFor(name, change);
  expect(await rig.powerUp(undefined, made(rig, change))).toBe("settled");
  expect(rig.violations).toEqual([]);
  return rig.operations;
}

describe.each(Object.entries(changes))("a device that loses power during %s", (name, change) => {
  it("ends with all of the old or all of the new, wherever and however it is cut", { timeout: 240_000 }, async () => {
    const operations = await operationsOf(name, change);
    expect(operations.length).toBeGreaterThan(name === "a roll-back" ? 5 : 15);
    await playAll(change, everySingleCut(name, operations));
  });

  it("and again while it recovers, does the same", { timeout: 240_000 }, async () => {
    const count = (await operationsOf(name, change)).length;
    await playAll(
      change,
      Array.from({ length: RANDOM_CASES }, (_, i) => {
        const each = `${name}:again:${i}`;
        const random = new SeededRandom(seedFor(each) ^ 0xc075);
        return {
          name: each,
          cuts: Array.from({ length: 2 + random.below(3) }, () => drawCut(1 + random.below(count), random)),
        };
      }),
    );
  });
});
