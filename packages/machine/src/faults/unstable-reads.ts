// How bits read that may read otherwise than they are, for every host with faults: the same way from one power-up to
// the next.

import { PAGE_BYTES } from "./flash-page.ts";

/**
 * During one power-up. What was left unstable may read well at each read, or at none, or change its mind in between;
 * after the next power-up it may be another way.
 */
export const readings = ["as-new", "as-old", "fading", "flickering"] as const;
/** Of a cell that is weak and was not being written: it may also read badly first and well from then on. */
export const rotReadings = [...readings, "settling"] as const;
export type Reading = (typeof rotReadings)[number];

/** Reads of a page's unstable bits after which `settling` ones look right. */
export const SETTLING_READS = 1;

/** Reads of a page's unstable bits after which `fading` ones no longer look right, unless something else is wanted. */
export const FADING_READS = 6;

export class UnstableReads {
  reading: Reading = "as-new";
  fadingReads = FADING_READS;
  /** Of each page, how often unstable bits were read since power-on. */
  readonly counts: Uint32Array;
  readonly #nameOf: (page: number) => number;
  #seed = 1;

  /** `nameOf`: what flickering follows from beside the seed; the same in every geometry, where that matters. */
  constructor(pages: number, nameOf: (page: number) => number = (page) => page) {
    this.counts = new Uint32Array(pages);
    this.#nameOf = nameOf;
  }

  powerOn(reading: Reading, seed: number): void {
    this.reading = reading;
    this.#seed = seed;
    this.counts.fill(0);
  }

  /** `target` was read at `offset` of the flash; `bits` are page `page`'s that are unstable. */
  disturb(bits: Uint8Array, page: number, offset: number, target: Uint8Array): void {
    const { reading } = this;
    const pageOffset = page * PAGE_BYTES;
    const from = Math.max(pageOffset, offset);
    const to = Math.min(pageOffset + PAGE_BYTES, offset + target.length);
    let touched = false;
    for (let at = from; at < to; at++)
      if (bits[at - pageOffset] !== 0) {
        touched = true;
        break;
      }
    if (!touched) return;
    const reads = this.counts[page]!++;
    if (reading === "as-new" || (reading === "fading" && reads < this.fadingReads)) return;
    if (reading === "settling" && reads >= SETTLING_READS) return;
    for (let at = from; at < to; at++) {
      const mask = bits[at - pageOffset]!;
      if (mask !== 0)
        target[at - offset] =
          target[at - offset]! ^ (reading === "flickering" ? this.#flicker(page, at - pageOffset, reads) & mask : mask);
    }
  }

  /** Bits for the `read`-th read of a byte: by place, so that they don't depend on what else is read in between. */
  #flicker(page: number, at: number, read: number): number {
    let h =
      Math.imul(this.#seed ^ Math.imul(this.#nameOf(page) + 1, 0x9e3779b1), 0x85ebca6b) ^
      Math.imul(at + PAGE_BYTES * read + 1, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
    return (h ^ (h >>> 15)) >>> 8;
  }
}
