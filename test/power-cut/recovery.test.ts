// Power is cut again while the device recovers from a cut, as the seed chooses; and the boot-control log on its own,
// over hundreds of starts. FLIPSIDE_CASES=n plays n cases of each scenario.

import { BOOT_RECORD_CHECK_OFFSET, SlotState } from "@flipside/image-format";
import { beforeAll, describe, expect, it } from "vitest";
import { FlashFault } from "@flipside/machine/faults/flash-fault";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { campaign, openCampaign, rigFor, scenarioNames, scenarios, seed, seedFor, workshop } from "./campaign.ts";
import { cutAtProgram, drawCut } from "./chosen-cuts.ts";
import { newestRecord } from "./flash-contents.ts";
import { readings } from "@flipside/machine/faults/unstable-reads";
import type { Cut } from "../../apps/power-cut/src/rig/device-under-test.ts";
import { settledOn } from "../../apps/power-cut/src/rig/play-case.ts";
import { NodeRig } from "./node-rig.ts";

const RANDOM_CASES = Number(process.env["FLIPSIDE_CASES"] ?? 100);
const RANDOM_CUTS_MAX = 5;
const TURNOVER_POWER_UPS = 400;
/** Of boot control, in the workshop's flash. */
const PAGES_PER_SECTOR = 4;
/** Pages that cuts in a row may hurt. */
const HURT_MAX = 1;
/** Active slot, states and floor behind the second update. */
const asUpdatedTwice = [1, SlotState.Confirmed, SlotState.Confirmed, 2];

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
    // A sector of four pages can be hurt in all of them, and then nothing in it can be made sure of.
    let hurt = 0;
    const drawUnhurt = (): Cut => {
      for (;;) {
        const cut = drawCut(1 + random.below(4), random);
        const hurts = cut.leaves.program.fault === FlashFault.ProgramCollateral;
        if (hurts && hurt === HURT_MAX) continue;
        hurt += hurts ? 1 : 0;
        return cut;
      }
    };
    for (let n = 0; n < TURNOVER_POWER_UPS; n++) {
      const starts = rig.acted.length;
      const cut = random.below(3) === 0 ? undefined : drawUnhurt();
      const end = await rig.powerUp(cut, () => rig.acted.length > starts);
      if (end === "cut") cuts++;
      else hurt = 0;
      const record = newestRecord(workshop.layout, rig.device.flashBytes)!;
      expect(
        [record.activeSlot, record.stateA, record.stateB, record.securityFloor],
        `power-up ${n}, FLIPSIDE_SEED=${seed}`,
      ).toEqual(asUpdatedTwice);
      expect(rig.violations, `power-up ${n}, FLIPSIDE_SEED=${seed}`).toEqual([]);
    }
    const turnovers = new Set(rig.acted.map(({ epoch }) => epoch)).size;
    console.log(`${TURNOVER_POWER_UPS} power-ups, ${cuts} cuts, ${turnovers} epochs`);
    expect(cuts).toBeGreaterThan(TURNOVER_POWER_UPS / 4);
    expect(turnovers).toBeGreaterThan(50);
  });

  // The one record that reads well may read otherwise at the next power-up: the other sector must not go for its sake.
  it.each(readings.flatMap((reading) => ["unstable.0", "marginal.1"].map((seal) => ({ seal, reading }))))(
    "is not lost when a seal is left $seal~$reading, and every record behind it is torn until the sector is full",
    async ({ seal, reading }) => {
      const { flash, secrets } = scenarios["second-update"]!;
      for (let lead = 0; lead < 2 * PAGES_PER_SECTOR; lead++) {
        const rig = new NodeRig(workshop, seedFor(`${seal}~${reading}`), flash, secrets);
        const powerUp = (cut?: Cut): Promise<unknown> => {
          const starts = rig.acted.length;
          return rig.powerUp(cut, () => rig.acted.length > starts);
        };
        for (let n = 0; n < lead; n++) await powerUp();
        await powerUp(cutAtProgram(3, seal, reading));
        for (let n = 0; n < PAGES_PER_SECTOR; n++) {
          await powerUp(cutAtProgram(2, "subset.1", reading));
          // The sector was full, and this one turned over.
          if (rig.operations[0]?.kind === "erase") break;
        }
        for (const last of readings) await powerUp(cutAtProgram(3, "subset.bits", last));
        await powerUp();
        expect([lead, rig.violations, rig.device.console.filter((line) => line.includes("lost"))]).toEqual([
          lead,
          [],
          [],
        ]);
        const record = newestRecord(workshop.layout, rig.device.flashBytes)!;
        expect([record.activeSlot, record.stateA, record.stateB, record.securityFloor]).toEqual(asUpdatedTwice);
      }
    },
  );

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
        // Another value, whatever it is: a check may begin with any byte.
        else if (i % 4096 === BOOT_RECORD_CHECK_OFFSET) destroyed[offsetBytes + i]! ^= 0x10;
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
