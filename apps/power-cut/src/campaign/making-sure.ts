// Before the other sector of the boot-control log goes, what the newest record says is written once more, into a page
// that a heartbeat skipped (docs/boot-control.md, "Turnover"): which page takes it and which must be left alone, how
// often it is tried. Power stays.

import { BOOT_RECORD_BYTES } from "@flipside/image-format";
import { Exo, Zone } from "@flipside/machine/abi";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import type { DeviceState } from "../device/board-under-test.ts";
import { skipPage } from "../stories/aged-boot-control.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Trouble } from "./trouble.ts";
import { lasts, troubleOf, type VariedStory } from "./varied-story.ts";

/** In the zone. */
const SKIPPED_PAGE_OFFSET = PAGE_BYTES;

/** Begins with a full sector whose second page was skipped; `write`: what is there all the same. */
const withSkipped =
  (write: (page: Buffer) => void = () => undefined) =>
  (state: DeviceState, { tested, pages }: Campaign): DeviceState => ({
    ...state,
    ids: pages.internFlash(skipPage(pages.flashOf(state.ids), tested.layout, write)),
  });

/** The first start finds the sector full. */
const fullSector: Omit<VariedStory, "name"> = {
  story: "log-turns-over",
  outcome: "none",
  rest: lasts(10),
  begins: withSkipped(),
};

/** What a page holds that no record is to be written over, each for a reason of its own. */
const foreign: [string, (page: Buffer) => void][] = [
  ["bits of another record", (page) => page.fill(0, 0, BOOT_RECORD_BYTES)],
  ["another first byte", (page) => void (page[0] = 0)],
  ["another last byte", (page) => void (page[BOOT_RECORD_BYTES - 1] = 0)],
];

const varied: VariedStory[] = [
  { ...fullSector, name: "the skipped page takes it" },
  ...foreign.map(
    ([what, write]): VariedStory => ({
      ...fullSector,
      name: `the skipped page holds ${what}, and is left alone`,
      begins: withSkipped(write),
    }),
  ),
  {
    ...fullSector,
    name: "the skipped page can't be read, and is left alone",
    failsToRead: () => (zone, offset) =>
      zone === Zone.BootControl && offset >= SKIPPED_PAGE_OFFSET && offset < SKIPPED_PAGE_OFFSET + PAGE_BYTES
        ? Exo.Io
        : Exo.Ok,
  },
  ...[["record", 3] as const, ["seal", 4] as const].map(
    ([what, first]): VariedStory => ({
      ...fullSector,
      // The scan reads each once.
      name: `the newest record's ${what} can't be read any more, so that nothing can say it again`,
      outcome: "any",
      allows: /^invariant [23]/,
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
    begins: fullSector.begins!,
    fails:
      () =>
      ({ zone }) =>
        zone === Zone.BootControl ? Exo.Io : Exo.Ok,
  },
];

export const makingSure: readonly Trouble[] = varied.map(troubleOf);
