// How often the boot-control sectors are erased: days of a device that is switched on once an hour and updated once a day,
// played with the shipped modules at the device's own geometry.

import { Exo, Zone } from "../../../agent/hosts/node/abi.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { DeviceState } from "../device/power-up.ts";

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

export function measureWear({ rig, stories }: Campaign): Wear {
  const ordinary = stories.get("ordinary-start")!.story;
  const forth = stories.get("update-below-the-flag")!;
  const back = stories.get("operators-rollback")!.story;
  const erases = [0, 0];
  const { zones, sectorBytes } = rig.layout;
  let state: DeviceState = forth.start;
  for (let day = 0; day < DAYS; day++) {
    for (let boot = 0; boot < BOOTS_A_DAY; boot++) {
      const story = boot > 0 ? ordinary : day % 2 === 0 ? forth.story : back;
      const { end } = rig.powerUp(story, { ...state, server: { ...state.server, outcome: undefined } }, "as-new", 1, ({ kind, zone, offset }) => {
        if (kind === "erase" && zone === Zone.BootControl) erases[(offset - zones.bootControl.offsetBytes) / sectorBytes]!++;
        return Exo.Ok;
      });
      if (end !== "settled" || (boot === 0 && rig.server.memory.outcome !== "confirmed")) throw new Error(`day ${day}, boot ${boot}: ${end}, ${rig.server.memory.outcome}`);
      state = rig.state(0);
    }
  }
  const erasesASectorAndYear = Math.round((Math.max(...erases) / DAYS) * 365);
  return { days: DAYS, erasesADay: Math.round((100 * (erases[0]! + erases[1]!)) / DAYS) / 100, erasesASectorAndYear, yearsToEnd: Math.floor(ERASE_CYCLES / erasesASectorAndYear) };
}
