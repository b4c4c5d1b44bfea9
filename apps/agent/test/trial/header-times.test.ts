// Times of a signed header that no device can meet: the build refuses them, and a device that has such an image, a
// factory's too, is not reset by them for ever.

import { Duplex } from "node:stream";
import { SlotState } from "@flipside/image-format";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { newestRecord } from "../../../../test/power-cut/flash-contents.ts";
import { checkTimes } from "../../build/build-release.ts";
import { imageFields } from "../../build/image-fields.ts";
import { unikernelTarget, virtualTarget } from "@flipside/machine/factory/targets";
import type { ManualClock } from "@flipside/machine/clock";
import type { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { deviceWith, flashWith, imageOf, openWorkshop, type Workshop } from "../hosts/virtual-image.ts";
import { putImage, writeLog } from "../recovery/bench.ts";
import { WorkingClock } from "@flipside/machine/clock";

const realAgent = "../../../src/agent/main";
/** What the format lets a header say at least, and at most. */
const shortest = { watchdogMs: 100, confirmDeadlineMs: 1, contactDeadlineMs: 1 };
const longest = { watchdogMs: 600_000, confirmDeadlineMs: 86_400_000, contactDeadlineMs: 86_400_000 };

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
const started: VirtualDevice[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((device) => device.cutPower()));
});

function start(flash: Uint8Array): { device: VirtualDevice; clock: ManualClock; resets: number[] } {
  const clock = new WorkingClock();
  const device = deviceWith(
    workshop,
    "times",
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
  device.powerOn();
  return { device, clock, resets };
}

describe("a factory image with the shortest times that the format allows", () => {
  test("is fed before its watchdog expires, though an erase may take longer than the header's time", async () => {
    const { clock, resets, device } = start(
      await flashWith(workshop, await imageOf(workshop, { agent: realAgent, ...shortest })),
    );
    clock.advance(600_000_000);
    expect(resets).toEqual([]);
    expect(device.console.some((line) => /agent of/.test(line))).toBe(true);
  });
});

test.each([
  ["shortest", shortest],
  ["longest", longest],
] as const)(
  "two images with the %s times and no contact do not reset each other more than once in minutes",
  async (which, times) => {
    const { layout } = workshop;
    const [older, newer] = [
      await imageOf(workshop, { agent: realAgent, ...times }),
      await imageOf(workshop, { agent: realAgent, releaseSequence: 2, ...times }),
    ];
    const flash = await flashWith(workshop, older);
    const [digestA, digestB] = [
      await putImage(layout, flash, "slotA", older),
      await putImage(layout, flash, "slotB", newer),
    ];
    writeLog(layout, flash, (record) =>
      Object.assign(record, {
        activeSlot: 1,
        stateA: SlotState.Confirmed,
        stateB: SlotState.Candidate,
        triesB: 3,
        digestA,
        digestB,
      }),
    );
    const { clock, resets, device } = start(flash);
    clock.advance(3_600_000_000);
    expect(newestRecord(layout, device.flashBytes)!.stateB).toBe(SlotState.Candidate);
    if (which === "longest") expect(resets).toEqual([]);
    // Each round is the candidate's seconds and the old image's five minutes.
    else expect(resets.length).toBeLessThanOrEqual(2 * 12);
  },
);

describe("the build refuses", () => {
  const fields = (deadlines: Partial<typeof shortest>) =>
    imageFields(unikernelTarget, { version: "1.0.0", releaseSequence: 1, deadlines });
  test.each([
    [
      { watchdogMs: 5_999 },
      "a watchdog of 5999 ms for virt-rv32 is too short: one erase of its flash may take 5000 ms; at least 6000 ms",
    ],
    [{ confirmDeadlineMs: 2_999 }, "a confirm deadline of 2999 ms for virt-rv32 is too short"],
    [{ confirmDeadlineMs: 1, contactDeadlineMs: 2_999 }, "deadline of 1 ms"],
  ])("%j, and says what would do", (deadlines, said) => {
    expect(() => checkTimes(unikernelTarget, fields(deadlines))).toThrow(said);
  });
  test("nothing that can be met", () => {
    for (const target of [unikernelTarget, virtualTarget])
      expect(() =>
        checkTimes(target, fields({ watchdogMs: 6_000, confirmDeadlineMs: 3_000, contactDeadlineMs: 3_000 })),
      ).not.toThrow();
  });
});
