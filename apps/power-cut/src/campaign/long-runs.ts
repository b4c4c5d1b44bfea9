// Runs of hours, after which unclean boots are forgiven, or not yet (docs/boot-control.md, "Unclean boots").

import { BootReason } from "@flipside/machine/abi";
import { setUncleanBoots } from "../stories/aged-boot-control.ts";
import type { Trouble } from "./trouble.ts";
import { lasts, troubleOf, type VariedStory, withNewest } from "./varied-story.ts";

const varied: VariedStory[] = [
  ...(
    [
      [1, 1.9],
      [1, 2.1],
      [2, 3.9],
      [2, 4.1],
    ] as const
  ).map(
    ([unclean, hours]): VariedStory => ({
      name: `a run of ${hours} hours after ${unclean} unclean boots`,
      story: "reset-pressed",
      outcome: "none",
      rest: (campaign) => ({ ...lasts(hours * 3_600)(campaign), resetPresses: 0, firstReason: BootReason.PowerOn }),
      begins: withNewest((record) => setUncleanBoots(record, unclean)),
    }),
  ),
];

export const longRuns: readonly Trouble[] = varied.map(troubleOf);
