// A confirmed image that crashes again and again, however slowly, gives way after five runs that ended uncleanly; what
// was forgiven in between was earned by hours without a crash. The real loader and agent on the Node host, on a clock
// that the test moves.

import { Duplex } from "node:stream";
import { SlotState } from "@flipside/image-format";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { newestRecord } from "../../../../test/power-cut/flash-contents.ts";
import { BootReason } from "@flipside/machine/abi";
import { ManualClock } from "@flipside/machine/clock";
import type { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { deviceWith, flashWith, imageOf, openWorkshop, type Workshop } from "../hosts/virtual-image.ts";
import { putImage, writeLog } from "../recovery/bench.ts";

const S = 1_000_000;
const MINUTE = 60 * S;
const HOUR = 60 * MINUTE;
/** Never, as an app counts its ticks. */
const NEVER = 0xffffffff;
const realAgent = "../../../src/agent/main";

let workshop: Workshop;
let images: { older: Uint8Array; newer: Uint8Array };
beforeAll(async () => {
  workshop = await openWorkshop();
  const app = "../../trial/assembly/late-crash-app";
  images = {
    older: await imageOf(workshop, { agent: realAgent }),
    newer: await imageOf(workshop, { agent: realAgent, app, releaseSequence: 2 }),
  };
});

interface Bench {
  clock: ManualClock;
  device: VirtualDevice;
  resets: number[];
  /** Of boot control. */
  erases: () => number;
  crashAtTick(tick: number): void;
  record(): NonNullable<ReturnType<typeof newestRecord>>;
}

const started: VirtualDevice[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((device) => device.cutPower()));
});

/** Both slots are confirmed; the newer image's app traps at a tick. Nobody answers on the network. */
async function bothConfirmed(
  crashAtTick: number,
  change: (record: ReturnType<Bench["record"]>) => void = () => {},
): Promise<Bench> {
  const { layout } = workshop;
  const flash = await flashWith(workshop, images.older);
  const digestA = await putImage(layout, flash, "slotA", images.older);
  const digestB = await putImage(layout, flash, "slotB", images.newer);
  writeLog(layout, flash, (record) => {
    Object.assign(record, {
      activeSlot: 1,
      stateA: SlotState.Confirmed,
      stateB: SlotState.Confirmed,
      digestA,
      digestB,
    });
    change(record);
  });
  const clock = new ManualClock();
  const device = deviceWith(
    workshop,
    "crash-loop",
    { bytes: flash },
    {
      isolation: "in-process",
      surroundings: {
        clock,
        wallClockS: () => 1_800_000_000,
        entropy: (target) => target.forEach((_, i) => (target[i] = 73 * i + 7)),
        connect: () => new Duplex({ read() {}, write() {} }),
      },
    },
  );
  started.push(device);
  const resets: number[] = [];
  device.on("reset", (reason) => resets.push(reason));
  const { offsetBytes, sizeBytes } = layout.zones.bootControl;
  let erases = 0;
  const crashAtTickOf = (tick: number): void =>
    new DataView(device.flashBytes.buffer).setUint32(layout.zones.app.offsetBytes, tick, true);
  crashAtTickOf(crashAtTick);
  device.powerOn();
  device.flashCells!.onOperation = ({ kind, offset }) => {
    if (kind === "erase" && offset >= offsetBytes && offset < offsetBytes + sizeBytes) erases++;
  };
  return {
    clock,
    device,
    resets,
    erases: () => erases,
    crashAtTick: crashAtTickOf,
    record: () => newestRecord(layout, device.flashBytes)!,
  };
}

describe("a confirmed image", () => {
  test.each([
    ["in its 14th second", 14],
    ["after 9 minutes", 9 * 60],
    ["after 50 minutes", 50 * 60],
    ["after 100 minutes", 100 * 60],
  ])(
    "that is healthy and traps %s gives way to the other after five runs",
    async (_, ticks) => {
      const bench = await bothConfirmed(ticks);
      bench.clock.advance(4 * (ticks + 2) * S);
      expect(bench.resets).toEqual(new Array(4).fill(BootReason.Trap));
      expect(bench.record()).toMatchObject({ activeSlot: 1, uncleanBoots: 4 });
      bench.clock.advance((ticks + 10) * S);
      expect(bench.resets).toEqual(new Array(5).fill(BootReason.Trap));
      expect(bench.record()).toMatchObject({
        activeSlot: 0,
        stateA: SlotState.Confirmed,
        stateB: SlotState.Confirmed,
        reasonB: 76,
        uncleanBoots: 0,
      });
      // The other one is no crash loop of its own.
      bench.clock.advance(10 * MINUTE);
      expect(bench.resets.length).toBe(5);
    },
    120_000,
  );

  test("is forgiven a crash after two hours, and two after four; each forgiving is one erase", async () => {
    const bench = await bothConfirmed(60);
    bench.clock.advance(61 * S);
    bench.crashAtTick(NEVER);
    bench.clock.advance(2 * MINUTE); // the second run had read its tick already
    expect(bench.record()).toMatchObject({ uncleanBoots: 2 });
    const before = bench.erases();
    bench.clock.advance(4 * HOUR - 5 * MINUTE);
    expect(bench.record()).toMatchObject({ uncleanBoots: 2 });
    expect(bench.erases()).toBe(before);
    bench.clock.advance(10 * MINUTE);
    expect(bench.record()).toMatchObject({ activeSlot: 1, uncleanBoots: 0 });
    expect(bench.erases()).toBe(before + 1);
  }, 120_000);

  test("that is switched off every evening is forgiven after sixteen starts without a crash", async () => {
    const bench = await bothConfirmed(NEVER, (record) =>
      Object.assign(record, { uncleanBoots: 4, lastUncleanBoot: 1, bootCounter: 1 }),
    );
    for (let evening = 2; evening < 17; evening++) {
      bench.clock.advance(MINUTE);
      expect(bench.record()).toMatchObject({ bootCounter: evening, uncleanBoots: 4 });
      await bench.device.cutPower();
      bench.device.powerOn();
    }
    bench.clock.advance(MINUTE);
    expect(bench.record()).toMatchObject({ bootCounter: 17, uncleanBoots: 0 });
  });
});

test("two images that both crash lead to recovery, and neither is gone back to by itself", async () => {
  const bench = await bothConfirmed(14, (record) => Object.assign(record, { flags: 4, stateA: SlotState.Confirmed }));
  let recoveries = 0;
  bench.device.on("recovery", () => recoveries++);
  bench.clock.advance(5 * 16 * S + 5 * S);
  expect(recoveries).toBe(1);
  const erases = bench.erases();
  // Tried again every quarter of an hour: a day of that costs a heartbeat a boot, and no erase for each.
  bench.clock.advance(24 * HOUR);
  expect(recoveries).toBeGreaterThan(80);
  expect(bench.record()).toMatchObject({
    activeSlot: 1,
    stateA: SlotState.Confirmed,
    stateB: SlotState.Confirmed,
    uncleanBoots: 5,
  });
  expect(bench.erases() - erases).toBeLessThan(recoveries / 4);
}, 120_000);
