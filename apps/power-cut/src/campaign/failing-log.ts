// Boot control that takes no record for a while, from one of its programs on, or no erase, or is lost, and for hours.
// Power stays.

import { BootReason, Exo, Zone } from "@flipside/machine/abi";
import { destroyBootControl, setUncleanBoots } from "../stories/aged-boot-control.ts";
import type { Trouble } from "./trouble.ts";
import { lasts, troubleOf, type VariedStory, withNewest } from "./varied-story.ts";

const varied: VariedStory[] = [
  ...[3, 5, 7, 9].flatMap((first) =>
    [4, 5, 8, 9].map(
      (count): VariedStory => ({
        name: `programs ${first} to ${first + count - 1} of boot control fail`,
        story: "first-update",
        outcome: "any",
        lastsS: 900,
        allows: /^invariant [23]/,
        fails() {
          let programs = 0;
          return ({ kind, zone }) =>
            kind === "program" && zone === Zone.BootControl && ++programs >= first && programs < first + count
              ? Exo.Io
              : Exo.Ok;
        },
      }),
    ),
  ),
  {
    name: "boot control is lost, and the newer image is in slot A",
    story: "log-lost",
    outcome: "any",
    rest: lasts(10),
    begins: (_, { stories, tested, pages }) => {
      const { start } = stories.get("third-update")!;
      return {
        ...start,
        floor: 0,
        ids: pages.internFlash(destroyBootControl(pages.flashOf(start.ids), tested.layout)),
      };
    },
  },
  {
    name: "boot control is lost, and neither sector can be erased",
    story: "log-lost",
    outcome: "none",
    rest: lasts(10),
    allows: /^invariant [23]/,
    fails:
      () =>
      ({ kind, zone }) =>
        kind === "erase" && zone === Zone.BootControl ? Exo.Io : Exo.Ok,
  },
  {
    name: "boot control takes no record for 6 hours",
    story: "reset-pressed",
    outcome: "none",
    rest: (campaign) => ({ ...lasts(8 * 3_600)(campaign), resetPresses: 0, firstReason: BootReason.PowerOn }),
    begins: withNewest((record) => setUncleanBoots(record, 1)),
    fails:
      ({ tested }) =>
      ({ zone }) =>
        zone === Zone.BootControl && tested.board.nowUs > 60_000_000 ? Exo.Io : Exo.Ok,
  },
];

export const failingLog: readonly Trouble[] = varied.map(troubleOf);
