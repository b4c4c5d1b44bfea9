// How often sectors are erased: of boot control, by days of a device that is switched on once an hour and updated once
// a day; of journal and slot, by a server that offers two signed images in turn and never lets one be installed. Played
// with the shipped modules at the device's own geometry.

import { Exo, Zone } from "@flipside/machine/abi";
import type { Campaign } from "../stories/catalogue.ts";
import type { DeviceState } from "../device/board-under-test.ts";
import type { Story } from "../stories/story.ts";

const DAYS = 64;
const BOOTS_A_DAY = 24;
/** Block erase cycles that NOR of this kind is specified for (Numonyx StrataFlash P30 datasheet). */
export const ERASE_CYCLES = 100_000;

export interface Wear {
  days: number;
  erasesADay: number;
  /** Of the sector that is erased more often. */
  erasesASectorAndYear: number;
  yearsToEnd: number;
}

export function measureWear({ tested, stories }: Campaign): Wear {
  const ordinary = stories.get("ordinary-start")!.story;
  const forth = stories.get("update-below-the-flag")!;
  const back = stories.get("operators-rollback")!.story;
  const erases = [0, 0];
  const { zones, sectorBytes } = tested.layout;
  let state: DeviceState = forth.start;
  for (let day = 0; day < DAYS; day++) {
    for (let boot = 0; boot < BOOTS_A_DAY; boot++) {
      const story = boot > 0 ? ordinary : day % 2 === 0 ? forth.story : back;
      const { end } = tested.powerUp(
        story,
        { ...state, server: { ...state.server, outcome: undefined } },
        "as-new",
        1,
        ({ kind, zone, offset }) => {
          if (kind === "erase" && zone === Zone.BootControl)
            erases[(offset - zones.bootControl.offsetBytes) / sectorBytes]!++;
          return Exo.Ok;
        },
      );
      if (end !== "settled" || (boot === 0 && tested.server.memory.outcome !== "confirmed"))
        throw new Error(`day ${day}, boot ${boot}: ${end}, ${tested.server.memory.outcome}`);
      state = tested.state(0);
    }
  }
  const erasesASectorAndYear = Math.round((Math.max(...erases) / DAYS) * 365);
  return {
    days: DAYS,
    erasesADay: Math.round((100 * (erases[0]! + erases[1]!)) / DAYS) / 100,
    erasesASectorAndYear,
    yearsToEnd: Math.floor(ERASE_CYCLES / erasesASectorAndYear),
  };
}

export interface HostileServer {
  /** Chunks of the payload that it answers; 0: the table alone. */
  payloadChunksMax: number;
  /** It has the device reset after so long; power cuts do the same. */
  resetAfterS: number;
  runs: number;
}

export interface HostileWear {
  seconds: number;
  /** Begins in the journal. */
  beginnings: number;
  /** Of the sector that is erased most. */
  journalErases: number;
  slotErases: number;
}

/** Another of two newer images at every check-in, for `runs` runs of the device. */
export function measureHostileWear(
  { tested, stories }: Campaign,
  { payloadChunksMax, resetAfterS, runs }: HostileServer,
): HostileWear {
  const { story, start } = stories.get("first-update")!;
  const images = [story.wishes.image!, stories.get("update-below-the-flag")!.story.wishes.image!];
  const { server } = tested;
  const { onCheckIn } = server;
  let checkIns = 0;
  server.onCheckIn = (checkIn) => {
    onCheckIn(checkIn);
    server.wishes = { ...server.wishes, image: images[checkIns++ % 2]! };
  };
  const erases = new Map<number, number>();
  let beginnings = 0;
  const hostile: Story = {
    ...story,
    wishes: { ...story.wishes, payloadChunksMax },
    lingerUs: 0,
    lastsS: resetAfterS,
    isSettled: () => tested.board.nowUs >= resetAfterS * 1_000_000,
  };
  let state = start;
  try {
    for (let run = 0; run < runs; run++) {
      const { end } = tested.powerUp(hostile, state, "as-new", 1, ({ kind, zone, offset, data }) => {
        if (kind === "erase") erases.set(offset, (erases.get(offset) ?? 0) + 1);
        if (kind === "program" && zone === Zone.Journal && data![3] !== "S".charCodeAt(0)) beginnings++;
        return Exo.Ok;
      });
      if (end !== "settled") throw new Error(`run ${run}: ${end}`);
      state = { ...tested.state(0), server: start.server };
    }
  } finally {
    server.onCheckIn = onCheckIn;
  }
  const { zones } = tested.layout;
  const most = (zone: { offsetBytes: number; sizeBytes: number }): number =>
    Math.max(
      0,
      ...[...erases]
        .filter(([offset]) => offset >= zone.offsetBytes && offset < zone.offsetBytes + zone.sizeBytes)
        .map(([, count]) => count),
    );
  return { seconds: runs * resetAfterS, beginnings, journalErases: most(zones.journal), slotErases: most(zones.slotB) };
}
