// Before the other sector of the boot-control log goes, what the newest record says is written once more, into a page
// that a heartbeat skipped (docs/boot-control.md, "Turnover"): which page takes it and which must be left alone, how
// often it is tried. Power stays.

import { Exo, Zone } from "@flipside/machine/abi";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import type { DeviceState } from "../device/board-under-test.ts";
import { skipPage } from "../stories/aged-boot-control.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Trouble } from "./trouble.ts";
import { lasts, troubleOf, type VariedStory } from "./varied-story.ts";

const EPOCH = 9;
/** In the zone. */
const SKIPPED_PAGE_OFFSET = PAGE_BYTES;
const RECORD_BYTES = 160;

/** Begins with a full sector whose second page was skipped, and holds what it is made. */
const withSkipped =
  (make?: (page: Buffer) => void) =>
  (state: DeviceState, { tested, pages }: Campaign): DeviceState => ({
    ...state,
    ids: pages.internFlash(skipPage(pages.flashOf(state.ids), tested.layout, EPOCH, make)),
  });

/** What a page holds that no record is to be written over, each for a reason of its own. */
const foreign: [string, (page: Buffer) => void][] = [
  ["bits of another record", (page) => page.fill(0, 0, RECORD_BYTES)],
  ["another first byte", (page) => void (page[0] = 0)],
  ["another last byte", (page) => void (page[RECORD_BYTES - 1] = 0)],
];

const varied: VariedStory[] = [
  {
    name: "the skipped page takes it",
    story: "log-turns-over",
    outcome: "none",
    rest: lasts(10),
    begins: withSkipped(),
  },
  ...foreign.map(
    ([what, make]): VariedStory => ({
      name: `the skipped page holds ${what}, and is left alone`,
      story: "log-turns-over",
      outcome: "none",
      rest: lasts(10),
      begins: withSkipped(make),
    }),
  ),
  {
    name: "the skipped page can't be read, and is left alone",
    story: "log-turns-over",
    outcome: "none",
    rest: lasts(10),
    begins: withSkipped(),
    failsToRead: () => (zone, offset) =>
      zone === Zone.BootControl && offset >= SKIPPED_PAGE_OFFSET && offset < SKIPPED_PAGE_OFFSET + PAGE_BYTES
        ? Exo.Io
        : Exo.Ok,
  },
  ...[["record", 3] as const, ["seal", 4] as const].map(
    ([what, first]): VariedStory => ({
      // The scan reads each once.
      name: `the newest record's ${what} can't be read any more, so that nothing can say it again`,
      story: "log-turns-over",
      outcome: "any",
      rest: lasts(10),
      allows: /^invariant [23]/,
      begins: withSkipped(),
      failsToRead: ({ tested: { layout } }) => {
        const newest = layout.sectorBytes - PAGE_BYTES;
        let reads = 0;
        return (zone, offset) =>
          zone === Zone.BootControl && offset >= newest && offset < layout.sectorBytes && ++reads >= first
            ? Exo.Io
            : Exo.Ok;
      },
    }),
  ),
  {
    name: "neither sector takes anything any more: it is tried four times in a run",
    story: "first-update",
    outcome: "any",
    lastsS: 900,
    allows: /^invariant [23]/,
    begins: withSkipped(),
    fails:
      () =>
      ({ zone }) =>
        zone === Zone.BootControl ? Exo.Io : Exo.Ok,
  },
];

export const makingSure: readonly Trouble[] = varied.map(troubleOf);
