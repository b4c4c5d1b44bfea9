// What a power cut leaves of a flash operation (design, "Boot control"): nothing, all, a prefix, any subset of the
// bits, an erase that first cleared bits to 0, or neighbours in the same page that were hurt. The unikernel's test
// builds do the same in C.

import { FlashFault } from "./flash-fault.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface FlashOperation {
  kind: "erase" | "program";
  /** Offset in the flash, and length in bytes. */
  offset: number;
  length: number;
  /** What a program would write. */
  data?: Uint8Array;
}

/**
 * Ways in which an operation tears. Their places are the numbers of enum fault_tear (exokernel/flash_faults.h), whose C
 * leaves the same bytes: append only.
 *   nothing     power went before the operation began
 *   everything  power went after its end, and before anybody was told
 *   prefix      the write buffer is copied to the array in order, and so far it got; so far an erase got
 *   subset      cells change side by side and at their own speed (buffered programming is parallel: Intel 28F320J5
 *               datasheet, "Write to Buffer"): each bit is old or new
 *   cleared     an erase first programs every cell to 0 (Numonyx J3-65nm datasheet, 9.1: "preconditioned (programmed to
 *   all
 *               zeros), erased, and then verified"), and was in the middle of that; a program left some of its zeros
 *   neighbours  the operation is complete, and programmed bits in the same page were disturbed to 0 (Tseng, Grupp,
 *   Swanson,
 *               "Understanding the impact of power loss on flash memory", DAC 2011: an interrupted program can corrupt
 *               data
 *               that was written before)
 *   zeroed      an erase that has programmed every cell to 0 and erased none; a program is complete
 */
export const tears = ["nothing", "everything", "prefix", "subset", "cleared", "neighbours", "zeroed"] as const;
export type Tear = (typeof tears)[number];

/** Each is a draw from one fault class, of a program and of an erase. */
export const faultOf: Record<Tear, Record<FlashOperation["kind"], FlashFault>> = {
  nothing: { program: FlashFault.NotBegun, erase: FlashFault.NotBegun },
  everything: { program: FlashFault.Complete, erase: FlashFault.Complete },
  prefix: { program: FlashFault.ProgramPrefix, erase: FlashFault.ErasePartial },
  subset: { program: FlashFault.ProgramSubset, erase: FlashFault.ErasePartial },
  cleared: { program: FlashFault.ProgramSubset, erase: FlashFault.EraseCleared },
  neighbours: { program: FlashFault.ProgramCollateral, erase: FlashFault.EraseCollateral },
  zeroed: { program: FlashFault.Complete, erase: FlashFault.EraseCleared },
};

/** Neighbours that a torn operation may hurt lie in the same page of this size. */
export const TEAR_REACH_BYTES = 4096;

/** Leaves `operation` on `flash` as `tear` says. */
export function applyTorn(flash: Uint8Array, operation: FlashOperation, tear: Tear, random: SeededRandom): void {
  const { offset, length } = operation;
  const target = flash.subarray(offset, offset + length);
  const data = operation.data ?? new Uint8Array(length).fill(0xff);
  const goal = (i: number): number => (operation.kind === "erase" ? 0xff : target[i]! & data[i]!);
  switch (tear) {
    case "nothing":
      return;
    case "everything":
      for (let i = 0; i < length; i++) target[i] = goal(i);
      return;
    case "prefix": {
      const done = random.below(length + 1);
      for (let i = 0; i < done; i++) target[i] = goal(i);
      return;
    }
    case "subset":
      for (let i = 0; i < length; i++) {
        const mask = random.next() & 0xff;
        target[i] = (target[i]! & ~mask) | (goal(i) & mask);
      }
      return;
    case "cleared":
      // Erase algorithms program every cell to 0 before they erase; a torn program leaves some of its zeros.
      if (operation.kind === "erase") for (let i = 0; i < length; i++) target[i] = target[i]! & random.next();
      else for (let i = 0; i < length; i++) target[i] = target[i]! & (data[i]! | (random.next() & 0xff));
      return;
    case "zeroed":
      for (let i = 0; i < length; i++) target[i] = operation.kind === "erase" ? 0 : goal(i);
      return;
    case "neighbours": {
      const start = offset - (offset % TEAR_REACH_BYTES);
      const end = operation.kind === "erase" ? offset + length : Math.min(flash.length, start + TEAR_REACH_BYTES);
      for (let i = 0; i < length; i++) target[i] = goal(i);
      for (let n = 0; n < 8; n++) {
        const at = start + random.below(end - start);
        flash[at] = flash[at]! & ~(1 << random.below(8));
      }
      return;
    }
  }
}
