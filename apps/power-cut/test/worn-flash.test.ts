// What becomes of a new device one of whose sectors is worn out: one of two copies is enough, and what can't be stored is
// not tried without a pause, which would wear out the rest of the flash and load the server.

import { describe, expect, it } from "vitest";
import { Exo, Zone } from "../../agent/hosts/node/abi.ts";
import type { Operation } from "../src/device/board.ts";
import type { PowerUpEnd } from "../src/device/power-up.ts";
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
function firstStart({ rig, stories }: Campaign, isWorn: (operation: Operation) => boolean): FirstStart {
  const { story, start } = stories.get("enrolment")!;
  const { onEnrol } = rig.server;
  let enrolMessages = 0;
  let operations = 0;
  rig.server.onEnrol = () => {
    enrolMessages++;
  };
  try {
    const { end, violations } = rig.powerUp(story, start, "as-new", 1, (operation) => {
      operations++;
      return isWorn(operation) ? Exo.Io : Exo.Ok;
    });
    return { end, violations, enrolMessages, operations };
  } finally {
    rig.server.onEnrol = onEnrol;
  }
}

const places = (["bootControl", "settings"] as const).flatMap((zone) => [0, 1].map((sector) => ({ zone, sector })));

describe("a device as the factory made it, whose flash is worn out in a place", () => {
  it.each(places)("enrols at once (sector $sector of $zone)", async ({ zone, sector }) => {
    const campaign = await openSubject(await subjectOfSources(), "small");
    const { zones, sectorBytes } = campaign.rig.layout;
    const first = zones[zone].offsetBytes + sector * sectorBytes;
    const { operations, ...rest } = firstStart(campaign, ({ offset }) => offset >= first && offset < first + sectorBytes);
    expect(rest).toEqual({ end: "settled", violations: [], enrolMessages: 2 });
    expect(operations).toBeGreaterThan(5);
  }, 120_000);

  it("pauses between attempts when no sector takes the secret", async () => {
    const { end, enrolMessages, operations } = firstStart(await openSubject(await subjectOfSources(), "small"), ({ zone }) => zone === Zone.Settings);
    expect(end).toBe("late");
    // In half an hour at most: at once, after 1, 3, 7 and 15 minutes.
    expect(enrolMessages / 2).toBeGreaterThan(1);
    expect(enrolMessages / 2).toBeLessThanOrEqual(5);
    expect(operations).toBeLessThan(100);
  }, 120_000);
});
