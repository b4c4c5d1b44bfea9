// A candidate's trial: self-test, the app's verdict and the server's proof, each with the deadline that the image's
// header gives it. The real agent on the Node host, on a clock that the test moves; a device's time is counted from its
// boot.

import { ErrorCode, SlotState } from "@flipside/image-format";
import { Duplex } from "node:stream";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { BootReason } from "@flipside/machine/abi";
import { ManualClock } from "@flipside/machine/clock";
import { manufactureInMemory } from "@flipside/machine/node/manufacture";
import type { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { newestRecord } from "../../../../test/power-cut/flash-contents.ts";
import { ScriptedServer } from "../../../../test/power-cut/scripted-server.ts";
import { deviceWith, imageOf, openWorkshop, type Workshop } from "../hosts/virtual-image.ts";
import { putImage, writeLog } from "../recovery/bench.ts";
import { WorkingClock } from "@flipside/machine/clock";

const CONFIRM_MS = 6_000;
const CONTACT_MS = 60_000;
/** So long the old image looks for contact at least, whatever its header says. */
const OLD_CONTACT_MS = 300_000;
const TRIES = 3;
/** The trial looks four times a second. */
const LOOK_MS = 250;

const realAgent = "../../../src/agent/main";
let workshop: Workshop;
let old: Uint8Array;
let images: Record<"good" | "unhealthy" | "silent" | "crashing", Uint8Array>;
beforeAll(async () => {
  workshop = await openWorkshop();
  const deadlines = { confirmDeadlineMs: CONFIRM_MS, contactDeadlineMs: CONTACT_MS };
  old = await imageOf(workshop, { agent: realAgent, ...deadlines });
  images = {
    good: await imageOf(workshop, { agent: realAgent, releaseSequence: 2, ...deadlines }),
    unhealthy: await imageOf(workshop, {
      agent: realAgent,
      app: "../../../../../test/end-to-end/faulty-images/app-unhealthy",
      releaseSequence: 2,
      ...deadlines,
    }),
    crashing: await imageOf(workshop, {
      agent: realAgent,
      app: "../../../../../test/end-to-end/faulty-images/app-crash",
      releaseSequence: 2,
      ...deadlines,
    }),
    silent: await imageOf(workshop, { agent: realAgent, app: "quiet-app", releaseSequence: 2, ...deadlines }),
  };
});

/** EXO_E_IO: no answer within the driver's time. */
const ENTROPY_IO = -5;

interface Bench {
  clock: ManualClock;
  device: VirtualDevice;
  server: { isAway: boolean };
  /** All that the device has sent. */
  sent: Buffer[];
  /** Resets with the device's time at which they came. */
  resets: { reason: number; atMs: number }[];
  run(ms: number): void;
  record(): NonNullable<ReturnType<typeof newestRecord>>;
}

const started: VirtualDevice[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((device) => device.cutPower()));
});

/** A device with a candidate in slot B, beside the old image or alone. */
async function onTrial(
  candidate: Uint8Array,
  options: {
    serverIsAway?: boolean;
    alone?: boolean;
    clock?: ManualClock;
    entropy?: (target: Uint8Array) => number | void;
  } = {},
): Promise<Bench> {
  const made = await manufactureInMemory({
    deviceId: "trial",
    server: { host: "server", port: 1883 },
    trustChain: workshop.keys.trustChain,
    image: old,
  });
  const { flash } = made;
  const digestA = await putImage(workshop.layout, flash, "slotA", old);
  const digestB = await putImage(workshop.layout, flash, "slotB", candidate);
  writeLog(workshop.layout, flash, (record) => {
    record.activeSlot = 1;
    record.stateA = options.alone ? SlotState.Failed : SlotState.Confirmed;
    record.digestA = digestA;
    record.stateB = SlotState.Candidate;
    record.triesB = TRIES;
    record.digestB = digestB;
  });
  const clock = options.clock ?? new WorkingClock();
  const random = new SeededRandom(1);
  const scripted = new ScriptedServer(clock, random, {
    id: "trial",
    claimSecret: new Uint8Array(Buffer.from(made.device.claimSecret, "base64url")),
  });
  const server = { isAway: options.serverIsAway ?? false };
  const device = deviceWith(
    workshop,
    "trial",
    { bytes: flash },
    {
      isolation: "in-process",
      surroundings: {
        clock,
        wallClockS: () => 1_800_000_000,
        entropy: options.entropy ?? ((target) => target.forEach((_, i) => (target[i] = random.below(256)))),
        // One that is away never answers.
        connect(host, port) {
          if (server.isAway) return new Duplex({ read() {}, write() {} });
          const wire = scripted.connect(host, port);
          const write = wire.write.bind(wire) as (bytes: Uint8Array) => boolean;
          wire.write = (bytes: Uint8Array) => {
            sent.push(Buffer.from(bytes));
            return write(bytes);
          };
          return wire;
        },
      },
    },
  );
  started.push(device);
  const resets: Bench["resets"] = [];
  const sent: Buffer[] = [];
  let bootedUs = clock.nowUs();
  device.on("reset", (reason) => {
    resets.push({ reason, atMs: (clock.nowUs() - bootedUs) / 1000 });
    bootedUs = clock.nowUs();
  });
  device.powerOn();
  return {
    clock,
    device,
    server,
    sent,
    resets,
    run: (ms) => clock.advance(ms * 1000),
    record: () => newestRecord(workshop.layout, device.flashBytes)!,
  };
}

/** From now on boot control takes no record any more. */
function wearOutTheLog({ device }: Bench): void {
  const { offsetBytes, sizeBytes } = workshop.layout.zones.bootControl;
  for (let at = offsetBytes; at < offsetBytes + sizeBytes; at += workshop.layout.sectorBytes)
    device.flashCells!.wornSectors.add(at);
}

/** Went to the old slot with a reason, once. */
function expectRolledBack(bench: Bench, code: number): void {
  expect(
    bench.resets.map(({ reason }) => reason),
    bench.device.console.slice(-15).join("\n"),
  ).toEqual([BootReason.RollBack]);
  expect(bench.record()).toMatchObject({
    activeSlot: 0,
    stateA: SlotState.Confirmed,
    stateB: SlotState.Failed,
    reasonB: code,
  });
}

describe("a candidate", () => {
  test("is confirmed when its app is healthy and the server has proved itself, before any deadline", async () => {
    const bench = await onTrial(images.good);
    bench.run(CONFIRM_MS);
    expect(bench.record()).toMatchObject({ activeSlot: 1, stateB: SlotState.Confirmed, triesB: 0 });
    bench.run(2 * CONTACT_MS);
    expect(bench.resets).toEqual([]);
  });

  test("whose self-test fails is rolled back at its first look", async () => {
    // A clock that stands still is one of the things that the self-test looks for.
    const bench = await onTrial(images.good, { clock: new ManualClock() });
    bench.run(0);
    expect(bench.resets.map(({ atMs }) => atMs)).toEqual([0]);
    bench.run(1_000);
    expectRolledBack(bench, ErrorCode.SelfTestFailed);
  });

  test("whose noise source answers late is confirmed when it has: a busy host is not the image's fault", async () => {
    const random = new SeededRandom(2);
    let questions = 0;
    const bench = await onTrial(images.good, {
      entropy: (target) => (++questions <= 2 ? ENTROPY_IO : target.forEach((_, i) => (target[i] = random.below(256)))),
    });
    bench.run(1_000);
    expect(bench.record()).toMatchObject({ activeSlot: 1, stateB: SlotState.Candidate });
    bench.run(CONFIRM_MS - 2_000);
    expect(bench.resets).toEqual([]);
    expect(bench.record()).toMatchObject({ activeSlot: 1, stateB: SlotState.Confirmed });
  });

  test("whose noise source never answers is rolled back at the confirm deadline, healthy and in contact as it is", async () => {
    const bench = await onTrial(images.good, { entropy: () => ENTROPY_IO });
    bench.run(CONFIRM_MS - 1_000);
    expect(bench.resets).toEqual([]);
    bench.run(2_000);
    expectRolledBack(bench, ErrorCode.SelfTestFailed);
  });

  test("whose noise source is stuck is rolled back at its first look", async () => {
    const bench = await onTrial(images.good, { entropy: (target) => void target.fill(0) });
    bench.run(1_000);
    expectRolledBack(bench, ErrorCode.SelfTestFailed);
  });

  test("whose app says for three seconds that it is not well is rolled back, without waiting for the deadline", async () => {
    const bench = await onTrial(images.unhealthy);
    bench.run(CONFIRM_MS);
    expectRolledBack(bench, ErrorCode.AppUnhealthy);
    // Its first word comes with the first tick, a second after the start.
    expect(bench.resets[0]!.atMs).toBeGreaterThanOrEqual(4_000);
    expect(bench.resets[0]!.atMs).toBeLessThan(4_000 + 3 * LOOK_MS);
  });

  test("whose app says nothing is rolled back at the confirm deadline, though the server has proved itself", async () => {
    const bench = await onTrial(images.silent);
    bench.run(CONFIRM_MS - LOOK_MS);
    expect(bench.resets).toEqual([]);
    expect(bench.device.console.some((line) => line.endsWith("session proven"))).toBe(true);
    expect(bench.record()).toMatchObject({ activeSlot: 1, stateB: SlotState.Candidate });
    bench.run(3 * LOOK_MS);
    expectRolledBack(bench, ErrorCode.AppUnhealthy);
    expect(bench.resets[0]!.atMs).toBeGreaterThanOrEqual(CONFIRM_MS);
  });

  test("that has no contact gives way at the contact deadline, and fails when the old image has contact", async () => {
    const bench = await onTrial(images.good, { serverIsAway: true });
    bench.run(CONTACT_MS - LOOK_MS);
    expect(bench.resets).toEqual([]);
    bench.run(2 * LOOK_MS);
    expect(bench.resets.map(({ reason }) => reason)).toEqual([BootReason.RollBack]);
    expect(bench.record()).toMatchObject({ activeSlot: 0, stateB: SlotState.Candidate, triesB: TRIES });
    bench.server.isAway = false;
    bench.run(CONTACT_MS);
    expectRolledBack(bench, ErrorCode.NoContact);
  });

  test("that has no contact is tried again when the old image has none either, and no try is used up", async () => {
    const bench = await onTrial(images.good, { serverIsAway: true });
    bench.run(3 * CONTACT_MS + 2 * OLD_CONTACT_MS + 5_000);
    expect(bench.resets.map(({ reason }) => reason)).toEqual([
      BootReason.RollBack,
      BootReason.Update,
      BootReason.RollBack,
      BootReason.Update,
      BootReason.RollBack,
    ]);
    expect(bench.record()).toMatchObject({ stateB: SlotState.Candidate, triesB: TRIES });
    bench.server.isAway = false;
  });

  test("that has no contact and no other image to give way to, as after recovery, goes on; a power cut then costs it nothing", async () => {
    const bench = await onTrial(images.good, { serverIsAway: true, alone: true });
    bench.run(10 * CONTACT_MS);
    expect(bench.resets).toEqual([]);
    expect(bench.record()).toMatchObject({ activeSlot: 1, stateB: SlotState.Candidate, triesB: TRIES });
    await bench.device.cutPower();
    bench.server.isAway = false;
    bench.device.powerOn();
    bench.run(CONTACT_MS);
    expect(bench.record()).toMatchObject({ activeSlot: 1, stateB: SlotState.Confirmed });
  });
});

describe("where boot control takes no record any more", () => {
  const HOUR_MS = 3_600_000;
  /** What a boot tries, and what a change tries, of which there is one an hour in the end. */
  const OPERATIONS_A_DAY_MAX = 350;

  test.each([
    ["that has proved itself, and can't be confirmed, gives way at its contact deadline", "good", false, CONTACT_MS],
    ["that has no contact gives way at its contact deadline", "good", true, CONTACT_MS],
    ["whose app is not well is rolled back as soon as ever", "unhealthy", false, CONFIRM_MS],
    ["whose app says nothing is rolled back at its confirm deadline", "silent", false, CONFIRM_MS],
  ] as const)("a candidate %s; flash is quiet then", async (_, image, serverIsAway, deadlineMs) => {
    const bench = await onTrial(images[image], { serverIsAway });
    bench.run(0); // the loader records the try
    wearOutTheLog(bench);
    bench.run(deadlineMs + 3 * LOOK_MS);
    expect(bench.resets.map(({ reason }) => reason)).toEqual([BootReason.RollBack]);
    expect(bench.device.console.some((line) => line.endsWith("starting slot a"))).toBe(true);
    const { flashCells } = bench.device;
    const before = flashCells!.operations;
    bench.run(24 * HOUR_MS);
    expect(bench.resets.length).toBe(1);
    expect(flashCells!.operations - before).toBeLessThan(OPERATIONS_A_DAY_MAX);
  });

  test("a candidate that has nothing to give way to goes on, and flash is quiet", async () => {
    const bench = await onTrial(images.good, { alone: true });
    bench.run(0);
    wearOutTheLog(bench);
    const before = bench.device.flashCells!.operations;
    bench.run(24 * HOUR_MS);
    expect(bench.resets).toEqual([]);
    expect(bench.device.flashCells!.operations - before).toBeLessThan(OPERATIONS_A_DAY_MAX);
  });

  test("a confirmed image with an unclean boot to be forgiven, and a floor to be raised, leaves flash alone, and tries again", async () => {
    const bench = await onTrial(images.good);
    bench.run(CONFIRM_MS);
    const { layout } = workshop;
    await bench.device.cutPower();
    const { digestA, digestB } = bench.record();
    writeLog(layout, bench.device.flashBytes, (record) =>
      Object.assign(record, {
        activeSlot: 1,
        stateA: SlotState.Confirmed,
        stateB: SlotState.Confirmed,
        digestA,
        digestB,
        uncleanBoots: 1,
      }),
    );
    bench.device.powerOn();
    bench.run(1_000);
    wearOutTheLog(bench);
    const before = bench.device.flashCells!.operations;
    bench.run(26 * HOUR_MS);
    expect(bench.device.flashCells!.operations - before).toBeGreaterThan(0);
    expect(bench.device.flashCells!.operations - before).toBeLessThan(OPERATIONS_A_DAY_MAX);
    bench.device.flashCells!.wornSectors.clear();
    bench.run(2 * HOUR_MS);
    expect(bench.record()).toMatchObject({ uncleanBoots: 0, securityFloor: 1 });
  });
});

test("the crash of a candidate is told to the server by the image that runs after it: kind, phase, and its last lines", async () => {
  const bench = await onTrial(images.crashing);
  bench.run(CONFIRM_MS);
  expect(bench.resets.map(({ reason }) => reason)).toEqual([BootReason.Trap, BootReason.Trap, BootReason.Trap]);
  expect(bench.record()).toMatchObject({ activeSlot: 0, stateB: SlotState.Failed, reasonB: ErrorCode.Crashed });
  const message = /\{"session":"[^"]*","crash":\{.*?\}\}/s.exec(Buffer.concat(bench.sent).toString("latin1"))?.[0];
  const { crash } = JSON.parse(message!) as { crash: Record<string, unknown> };
  expect(crash).toMatchObject({ kind: "trap", module: 3, code: 5, message: "unreachable", phase: 6 });
  expect(crash["log"]).toMatch(
    /verified [0-9a-f]{16}, starting slot b\ncrash: unreachable module 3 code 5 mepc 00000000 mtval 00000000\n$/,
  );
});
