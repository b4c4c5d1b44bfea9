// What somebody does to the flash by hand, and what of the campaign's invariants can still be claimed after it. The
// campaign vouches for one damaged sector at a time; behind that nobody has promised anything.

import type { ZoneName } from "@flipside/machine/factory/flash-layout";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { FaultyCells } from "@flipside/machine/flash/faulty-cells";
import { type Defects, noDefects } from "../../../../power-cut/src/checker/what-must-hold.ts";
import type { DamageableZone } from "./damageable-zones.ts";
import { layout } from "./geometry.ts";

export const FLIPPED_BITS = 3;

export class Damage {
  readonly #sectors = new Set<number>();
  #defects: Defects = noDefects;

  /** What the judge has to know. */
  get defects(): Defects {
    return this.#defects;
  }

  get isVouchedFor(): boolean {
    return this.#sectors.size < 2;
  }

  /** Flips bits of a page in the zone that holds something, or of its first one; returns which page. */
  flip(zone: DamageableZone, cells: FaultyCells, random: SeededRandom): number {
    const page = random.pick(pagesToHurt(zone, cells.bytes));
    const bytes = cells.bytes.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    const used = bytes.findLastIndex((byte) => byte !== 0xff) + 1;
    for (let n = 0; n < FLIPPED_BITS; n++) bytes[random.below(Math.max(used, 1))]! ^= 1 << random.below(8);
    cells.store(page * PAGE_BYTES, bytes);
    const sector = Math.floor((page * PAGE_BYTES) / layout.sectorBytes);
    this.#add(sector);
    const isSlot = zone === "slotA" || zone === "slotB";
    this.#defects = {
      ...this.#defects,
      isRotten: this.#defects.isRotten || isSlot,
      liar: { sector, isForGood: false, fades: true },
    };
    return page;
  }

  /** A sector of the zone takes no erase and no program any more; returns which, or undefined: all are worn out. */
  wearOut(zone: DamageableZone, cells: FaultyCells, random: SeededRandom): number | undefined {
    const good = sectorsOf(zone).filter((sector) => !cells.wornSectors.has(sector * layout.sectorBytes));
    if (good.length === 0) return undefined;
    const sector = random.pick(good);
    cells.wornSectors.add(sector * layout.sectorBytes);
    this.#add(sector);
    this.#defects = { ...this.#defects, wornSector: sector };
    return sector;
  }

  #add(sector: number): void {
    this.#sectors.add(sector);
  }
}

function sectorsOf(zone: ZoneName): number[] {
  const { offsetBytes, sizeBytes } = layout.zones[zone];
  const first = offsetBytes / layout.sectorBytes;
  return Array.from({ length: sizeBytes / layout.sectorBytes }, (_, i) => first + i);
}

function pagesToHurt(zone: ZoneName, flash: Uint8Array): number[] {
  const { offsetBytes, sizeBytes } = layout.zones[zone];
  const pages = Array.from({ length: sizeBytes / PAGE_BYTES }, (_, i) => offsetBytes / PAGE_BYTES + i);
  const used = pages.filter((page) =>
    flash.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES).some((byte) => byte !== 0xff),
  );
  return used.length > 0 ? used : pages.slice(0, 1);
}
