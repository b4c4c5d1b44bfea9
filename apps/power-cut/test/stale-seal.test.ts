// Three cuts in a row, aimed at the journal: at one of its records, at the first that the next power-up writes, and in
// the slot, while a sector is written anew that the first record speaks of. Whatever the torn bits read as at each
// power-up, a record of before may not be believed of what was written since.

import { describe, expect, it } from "vitest";
import { Exo, Zone } from "@flipside/machine/abi";
import { ways } from "@flipside/machine/faults/torn-operation";
import { readings } from "@flipside/machine/faults/unstable-reads";
import { allowedEnd } from "../src/campaign/judge.ts";
import { TornPages } from "../src/campaign/cuts.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import type { Operation } from "../src/device/board.ts";
import type { DeviceState } from "../src/device/board-under-test.ts";

const SEED = 1;
const unstable = ways.program.find(({ name }) => name === "unstable.0")!;

describe("a seal that power failed at", async () => {
  // At the device's own geometry: there the journal has room for what three power-ups write.
  const { tested, pages, stories } = await openSubject(await subjectOfSources(), "device");
  const { story, start } = stories.get("third-update")!;
  const torn = new TornPages(pages, SEED);

  /** Powers up and cuts at the `nth` operation that is `aimedAt`; undefined when the story ended before. */
  const cutAt = (
    state: DeviceState,
    reading: (typeof readings)[number],
    nth: number,
    aimedAt: (operation: Operation) => boolean,
  ): DeviceState | undefined => {
    let seen = 0;
    let after: DeviceState | undefined;
    tested.powerUp(story, state, reading, SEED, (operation) => {
      if (!aimedAt(operation) || ++seen !== nth) return Exo.Ok;
      after = tested.state(state.cuts + 1);
      after.ids.set(torn.after(tested.board, operation, unstable), Math.floor(operation.offset / 4096));
      return "cut";
    });
    return after;
  };
  const isJournal = ({ kind, zone }: Operation): boolean => kind === "program" && zone === Zone.Journal;
  const isSlot = ({ kind, zone }: Operation): boolean => kind === "program" && zone === Zone.SlotB;

  it("counts for nothing once its sector is written anew, whatever it reads as later", () => {
    const violations: string[] = [];
    let schedules = 0;
    for (let record = 1; ; record++) {
      const once = cutAt(start, "as-new", record, isJournal);
      if (!once) break;
      for (const second of readings) {
        const twice = cutAt(once, second, 1, isJournal);
        for (const third of readings) {
          for (let program = 1; twice; program++) {
            const thrice = cutAt(twice, third, program, isSlot);
            if (!thrice) break;
            for (const last of readings) {
              schedules++;
              const result = tested.powerUp(story, thrice, last, SEED);
              const what = [...result.violations, ...allowedEnd(story, tested, thrice, result)];
              if (what.length > 0)
                violations.push(
                  `record ${record}, ${second}, ${third}, program ${program}, ${last}: ${what.join("; ")}`,
                );
            }
          }
        }
      }
    }
    expect(violations).toEqual([]);
    expect(schedules).toBeGreaterThan(200);
  });
});
