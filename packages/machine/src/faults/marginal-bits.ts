// A second drawing of marginal bits beside torn-operation.ts, since the driver's C (exokernel/flash_faults.c) keeps a
// list of them for its whole flash, and draws how each reads in the order of reads. It is what that C is held against:
// a few bits that read differently each time, while all around them reads well, are worst for code that trusts a seal
// because it read well once.

import type { FlashOperation } from "./flash-operation.ts";
import type { SeededRandom } from "./seeded-random.ts";

const BITS_MAX = 3;
/** A cut has two generators: the seed itself says what is torn, and this beside it which bits are marginal. */
export const MARGINAL_SEED = 0xb175;

export class MarginalBits {
  /** Masks by offset in the flash. */
  readonly #masks: Map<number, number>;

  /** `masks`: what is marginal already. */
  constructor(
    readonly random: SeededRandom,
    masks: Iterable<[offset: number, mask: number]> = [],
  ) {
    this.#masks = new Map(masks);
  }

  get masks(): ReadonlyMap<number, number> {
    return this.#masks;
  }

  /** Makes some of the bits marginal that `operation` would have changed; `before` is what its range held. */
  leave(operation: FlashOperation, before: Uint8Array): void {
    const changed: [offset: number, bit: number][] = [];
    for (let i = 0; i < operation.length; i++) {
      const goal = operation.data ? before[i]! & operation.data[i]! : 0xff;
      for (let bit = 1; bit < 0x100; bit <<= 1)
        if (((before[i]! ^ goal) & bit) !== 0) changed.push([operation.offset + i, bit]);
    }
    if (changed.length === 0) return;
    for (let n = 1 + this.random.below(BITS_MAX); n > 0; n--) {
      const [offset, bit] = this.random.pick(changed);
      this.#masks.set(offset, (this.#masks.get(offset) ?? 0) | bit);
    }
  }

  /** An erase makes bits stable, and a program those that it clears; a bit that it leaves alone stays as it is. */
  overwritten(operation: FlashOperation): void {
    for (const [offset, mask] of this.#masks) {
      const i = offset - operation.offset;
      if (i < 0 || i >= operation.length) continue;
      const left = operation.data ? mask & operation.data[i]! : 0;
      if (left === 0) this.#masks.delete(offset);
      else this.#masks.set(offset, left);
    }
  }

  disturb(offset: number, bytes: Uint8Array): void {
    for (const [at, mask] of this.#masks) {
      const i = at - offset;
      if (i >= 0 && i < bytes.length) bytes[i] = bytes[i]! ^ (this.random.next() & mask);
    }
  }
}
