// The commands on the device itself: RV32 in QEMU, real loader and image, a server on a port. What each does in every
// case is tried on the virtual device (device-commands.test.ts); this is that the unikernel does it too.

import { createHash } from "node:crypto";
import { ErrorCode } from "@flipside/image-format";
import * as C from "@flipside/image-format/portable/command";
import { afterAll, beforeAll, expect, it } from "vitest";
import { seedOfRun } from "@flipside/machine/faults/seeded-random";
import { keys } from "../../apps/power-cut/src/stories/images.ts";
import { give, type Given, idOf, toldLog, utf8 } from "./commands-bench.ts";
import type { UpdateImage } from "./images.ts";
import { type Snapshot, UnikernelHost, UnikernelRig } from "./unikernel-host.ts";
import { openUnikernelWorkshop, type UnikernelWorkshop } from "./unikernel-images.ts";

const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);

let workshop: UnikernelWorkshop;
let host: UnikernelHost;
let enrolled: Snapshot;

const insert = (from: Snapshot, image?: UpdateImage): Promise<UnikernelRig> =>
  UnikernelRig.insert(host, from, image, seed);

beforeAll(async () => {
  workshop = await openUnikernelWorkshop();
  host = await UnikernelHost.open(workshop);
  const rig = await insert({ flash: host.flashBytes(), secrets: [] });
  expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined)).toBe("settled");
  enrolled = rig.snapshot;
}, 240_000);
afterAll(() => host?.close());

async function codesOf(rig: UnikernelRig, commands: Given[], then: () => boolean): Promise<(string | undefined)[]> {
  give(keys.operations, rig, commands);
  expect(await rig.powerUp(undefined, () => rig.server.answers.length === commands.length && then())).toBe("settled");
  expect(rig.violations).toEqual([]);
  return rig.server.answers.map(({ code }) => ErrorCode[code]);
}

it("says who it is, tells its console, and takes a configuration that its app agrees to, over a power-up", {
  timeout: 240_000,
}, async () => {
  const rig = await insert(enrolled);
  const [good, bad] = ['{"lowestMilliC":-10000,"reportEverySeconds":2}', '{"reportEverySeconds":0}'];
  const inForce = (): boolean => rig.server.lastCheckIn?.configuration?.number === 4;
  const lines: string[] = [];
  host.unikernel.on("line", (line) => lines.push(line));
  const set = (number: number, text: string): Given => ({
    kind: C.COMMAND_SET_CONFIGURATION,
    configuration: { number, document: utf8(text) },
  });
  const commands: Given[] = [
    { kind: C.COMMAND_IDENTIFY, seconds: 2 },
    set(4, good),
    { ...set(5, bad), after: inForce },
    {
      kind: C.COMMAND_COLLECT_LOGS,
      after: () => rig.server.lastCheckIn?.configurationRefused?.number === 5,
    },
  ];
  const isTold = (): boolean => toldLog(rig, idOf(4)) !== undefined;
  expect(await codesOf(rig, commands, isTold)).toEqual(["None", "None", "None", "None"]);
  const { configuration, configurationRefused } = rig.server.lastCheckIn!;
  expect(configuration).toEqual({ number: 4, digest: createHash("sha256").update(good).digest("hex") });
  expect(configurationRefused).toEqual({
    number: 5,
    code: ErrorCode.ConfigurationRefused,
    appCode: 5,
    text: "reportEverySeconds: an integer from 1 to 3600, given once",
  });
  const log = toldLog(rig, idOf(4))!;
  for (const line of ["identify: this is power-cut", "configuration 4 in force", "starting slot a"])
    expect(log, "the console, from the loader's lines on").toContain(line);

  lines.length = 0;
  const isHandedOver = (): boolean => lines.some((line) => line.endsWith("configuration 4 in force"));
  expect(await rig.powerUp(undefined, () => inForce() && isHandedOver())).toBe("settled");
  expect([rig.server.secrets, rig.violations]).toEqual([enrolled.secrets, []]);
});

it("goes back to its other slot's image, and stays there over a power-up", { timeout: 240_000 }, async () => {
  let at = enrolled;
  for (const image of [workshop.good, workshop.next]) {
    const updating = await insert(at, image);
    expect(await updating.powerUp(undefined, () => updating.server.outcome !== undefined)).toBe("settled");
    expect([updating.server.outcome, updating.violations]).toEqual(["confirmed", []]);
    at = updating.snapshot;
  }
  const rig = await insert(at);
  const isBack = (): boolean => rig.server.lastCheckIn?.running.version === "2.0.0";
  expect(await codesOf(rig, [{ kind: C.COMMAND_ROLL_BACK }], isBack)).toEqual(["None"]);
  expect(rig.server.lastCheckIn!.bootReason).toBe("roll-back");
  expect(await rig.powerUp(undefined, isBack)).toBe("settled");
  expect(rig.server.lastCheckIn).toMatchObject({
    running: { state: "confirmed", reason: 0 },
    other: { state: "confirmed", reason: ErrorCode.RolledBackByCommand, digest: workshop.next.digest },
    deployment: { state: "rolled-back", code: ErrorCode.RolledBackByCommand },
  });
  expect(rig.violations).toEqual([]);
});
