// Power is cut again while the device recovers from a cut, as the seed chooses; and the boot-control log on its own,
// over hundreds of starts. FLIPSIDE_CASES=n plays n cases of each scenario.

import { BOOT_RECORD_CHECK_OFFSET, SlotState } from "@flipside/image-format";
import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { campaign, openCampaign, rigFor, scenarioNames, scenarios, seed, seedFor, workshop } from "./campaign.ts";
import { cutAtProgram, drawCut } from "./chosen-cuts.ts";
import { newestRecord } from "./flash-contents.ts";
import { settledOn } from "../../apps/power-cut/src/rig/play-case.ts";
import { NodeRig } from "./node-rig.ts";

const RANDOM_CASES = Number(process.env["FLIPSIDE_CASES"] ?? 100);
const RANDOM_CUTS_MAX = 5;
const TURNOVER_POWER_UPS = 400;

beforeAll(openCampaign, 240_000);

describe("a device that loses power", () => {
  it.each(scenarioNames)(
    "%s: and again while it recovers, does the same",
    { timeout: 60_000 + 1_000 * RANDOM_CASES },
    async (scenarioName) => {
      const scenario = scenarios[scenarioName]!;
      await campaign(
        Array.from({ length: RANDOM_CASES }, (_, i) => {
          const name = `${scenarioName}:again:${i}`;
          const random = new SeededRandom(seedFor(name) ^ 0xc075);
          const { firstOperation, operations } = scenario;
          const cuts = Array.from({ length: 2 + random.below(RANDOM_CUTS_MAX - 1) }, (_, n) => {
            // Recovery begins with boot control, so half of the later cuts come there.
            const isEarly = n > 0 && random.below(2) === 0;
            const count = operations.length - firstOperation + 1;
            return drawCut(isEarly ? 1 + random.below(4) : firstOperation + random.below(count), random);
          });
          return { name, scenario, cuts };
        }),
      );
    },
  );
});

describe("an update that is taken up again", () => {
  it("does not trust header and table for having read well once, when power failed while they were programmed", {
    timeout: 240_000,
  }, async () => {
    const scenario = scenarios["first-update"]!;
    const rehearsal = rigFor("manifest", scenario);
    await rehearsal.powerUp(undefined, settledOn(rehearsal));
    const { slotB } = workshop.layout.zones;
    const operations = [...rehearsal.operations.entries()]
      .filter(
        ([, { kind, offset }]) =>
          kind === "program" && offset >= slotB.offsetBytes && offset < slotB.offsetBytes + workshop.layout.sectorBytes,
      )
      .map(([i]) => i + 1);
    expect(operations).toHaveLength(2);
    await campaign(
      operations.flatMap((operation) =>
        Array.from({ length: 16 }, (_, i) => ({
          name: `manifest:${operation}:${i}`,
          scenario,
          cuts: [cutAtProgram(operation, `marginal.${i % 2}`, "flickering")],
        })),
      ),
    );
  });
});

describe("the boot-control log", () => {
  it("turns over again and again under power cuts, and what it says is never lost", { timeout: 240_000 }, async () => {
    const { flash, secrets } = scenarios["second-update"]!;
    const rig = new NodeRig(workshop, seedFor("turnover"), flash, secrets);
    const random = new SeededRandom(seedFor("turnover") ^ 0xc075);
    let cuts = 0;
    for (let n = 0; n < TURNOVER_POWER_UPS; n++) {
      const starts = rig.acted.length;
      const cut = random.below(3) === 0 ? undefined : drawCut(1 + random.below(4), random);
      const end = await rig.powerUp(cut, () => rig.acted.length > starts);
      if (end === "cut") cuts++;
      const record = newestRecord(workshop.layout, rig.device.flashBytes)!;
      expect(
        [record.activeSlot, record.stateA, record.stateB, record.securityFloor],
        `power-up ${n}, FLIPSIDE_SEED=${seed}`,
      ).toEqual([1, SlotState.Confirmed, SlotState.Confirmed, 2]);
      expect(rig.violations, `power-up ${n}, FLIPSIDE_SEED=${seed}`).toEqual([]);
    }
    const turnovers = new Set(rig.acted.map(({ epoch }) => epoch)).size;
    console.log(`${TURNOVER_POWER_UPS} power-ups, ${cuts} cuts, ${turnovers} epochs`);
    expect(cuts).toBeGreaterThan(TURNOVER_POWER_UPS / 4);
    expect(turnovers).toBeGreaterThan(50);
  });

  it.each(["zeros", "noise", "torn records"])(
    "when both sectors hold %s, is made anew from what the slots hold, and that is reported",
    async (what) => {
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
      const rig = new NodeRig(workshop, seedFor(what), destroyed, secrets);
      expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined)).toBe("settled");
      expect(rig.violations).toEqual([]);
      expect(rig.device.console.join("\n")).toContain("boot control was lost and made anew");
      // That the newer image was good is only guessed: it is tried beside the other, and the floor admits both.
      const guessed = {
        bootControl: "rebuilt",
        running: { slot: "b", digest: workshop.good.digest, state: "candidate" },
        other: { state: "confirmed" },
      };
      expect(rig.server.lastCheckIn).toMatchObject({ ...guessed, floor: 1 });
      // Said again at later starts: a report that was lost is no reason to forget it.
      expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn?.running.state === "confirmed")).toBe("settled");
      expect(rig.server.lastCheckIn).toMatchObject({
        ...guessed,
        running: { slot: "b", digest: workshop.good.digest, state: "confirmed" },
      });
      expect(rig.violations).toEqual([]);
    },
  );
});
