// What becomes of a device whose flash is worn out in a place: one of two copies is enough; what can't be stored is not
// tried without a pause, which would wear out the rest of the flash and load the server; and where boot control takes
// nothing, an update is refused for that reason, before anything is given up for it.

import { describe, expect, it } from "vitest";
import { Exo, Zone } from "@flipside/machine/abi";
import type { Operation } from "../src/device/board.ts";
import type { PowerUpEnd } from "../src/device/board-under-test.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import type { Campaign } from "../src/stories/catalogue.ts";

interface FirstStart {
  end: PowerUpEnd;
  violations: string[];
  /** Two for each enrolment. */
  enrolMessages: number;
  operations: number;
}

/** `isWorn`: the operation fails. */
function firstStart({ tested, stories }: Campaign, isWorn: (operation: Operation) => boolean): FirstStart {
  const { story, start } = stories.get("enrolment")!;
  const { onEnrol } = tested.server;
  let enrolMessages = 0;
  let operations = 0;
  tested.server.onEnrol = () => {
    enrolMessages++;
  };
  try {
    const { end, violations } = tested.powerUp(story, start, "as-new", 1, (operation) => {
      operations++;
      return isWorn(operation) ? Exo.Io : Exo.Ok;
    });
    return { end, violations, enrolMessages, operations };
  } finally {
    tested.server.onEnrol = onEnrol;
  }
}

const places = (["bootControl", "settings"] as const).flatMap((zone) => [0, 1].map((sector) => ({ zone, sector })));

describe("a device as the factory made it, whose flash is worn out in a place", () => {
  it.each(places)(
    "enrols at once (sector $sector of $zone)",
    async ({ zone, sector }) => {
      const campaign = await openSubject(await subjectOfSources(), "small");
      const { zones, sectorBytes } = campaign.tested.layout;
      const first = zones[zone].offsetBytes + sector * sectorBytes;
      const { operations, ...rest } = firstStart(
        campaign,
        ({ offset }) => offset >= first && offset < first + sectorBytes,
      );
      expect(rest).toEqual({ end: "settled", violations: [], enrolMessages: 2 });
      expect(operations).toBeGreaterThan(5);
    },
    120_000,
  );

  it("pauses between attempts when no sector takes the secret", async () => {
    const { end, enrolMessages, operations } = firstStart(
      await openSubject(await subjectOfSources(), "small"),
      ({ zone }) => zone === Zone.Settings,
    );
    expect(end).toBe("late");
    // In half an hour at most: at once, after 1, 3, 7 and 15 minutes.
    expect(enrolMessages / 2).toBeGreaterThan(1);
    expect(enrolMessages / 2).toBeLessThanOrEqual(5);
    expect(operations).toBeLessThan(100);
  }, 120_000);
});

describe("a device whose boot control takes no record any more", () => {
  it.each(["first-update", "operators-rollback", "downgrade-by-permit"])(
    "says flash-failed to an offer, and leaves journal and slots alone (%s)",
    async (name) => {
      const { tested, stories } = await openSubject(await subjectOfSources(), "small");
      const { story, start } = stories.get(name)!;
      const changed = new Set<number>();
      // What is checked of a device with a worn log is what holds with both sectors of it worn.
      const wornSector = tested.layout.zones.bootControl.offsetBytes / tested.layout.sectorBytes;
      const { violations } = tested.powerUp(story, { ...start, wornSector }, "as-new", 1, ({ zone }) => {
        changed.add(zone);
        return zone === Zone.BootControl ? Exo.Io : Exo.Ok;
      });
      expect(tested.server.memory.outcome).toBe("failed 60");
      expect(violations).toEqual([]);
      expect([...changed].filter((zone) => zone !== Zone.BootControl)).toEqual([]);
    },
    120_000,
  );
});
