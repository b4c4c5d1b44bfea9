// What a power cut leaves of a flash operation (design, "Boot control"): nothing, all, a prefix, any subset of the bits,
// an erase that first cleared bits to 0, or neighbours in the same page that were hurt.

import type { SeededRandom } from "./seeded-random.ts";

export interface FlashOperation {
  kind: "erase" | "program";
  /** Offset in the flash, and length in bytes. */
  offset: number;
  length: number;
  /** What a program would write. */
  data?: Uint8Array;
}

export const tears = ["nothing", "everything", "prefix", "subset", "cleared", "neighbours"] as const;
export type Tear = (typeof tears)[number];

const PAGE_BYTES = 4096;

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
    case "neighbours": {
      const start = offset - (offset % PAGE_BYTES);
      const end = operation.kind === "erase" ? offset + length : Math.min(flash.length, start + PAGE_BYTES);
      for (let i = 0; i < length; i++) target[i] = goal(i);
      for (let n = 0; n < 8; n++) {
        const at = start + random.below(end - start);
        flash[at] = flash[at]! & ~(1 << random.below(8));
      }
      return;
    }
  }
}
