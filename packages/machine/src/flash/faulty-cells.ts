// Faults around cells that have none: power that is cut in the middle of an operation, bits that read differently each
// time after it (design, "Boot control"), sectors that are worn out. And the place to watch operations from.

import { SeededRandom } from "../faults/seeded-random.ts";
import { applyTorn, type FlashOperation, type Tear, TEAR_REACH_BYTES } from "../faults/torn-operation.ts";
import type { FlashCells } from "./cells.ts";

/** Power goes at this operation, counted from 1 from when it is armed. The same cut on the same flash tears alike. */
export interface PlannedCut {
  operation: number;
  tear: Tear;
  seed: number;
  /** Leaves the bits that the operation was about to change unstable: each read gives another value. */
  unstable?: boolean;
}

/** Thrown out of an operation at which power was cut. */
export class PowerLost extends Error {
  override name = "PowerLost";
  constructor(readonly operation: FlashOperation) {
    super(`power was cut at an ${operation.kind} of ${operation.length} bytes at ${operation.offset}`);
  }
}

export class FaultyCells implements FlashCells {
  readonly #cells: FlashCells;
  readonly #sectorBytes: number;
  /** Erases and programs that were begun, ever. */
  operations = 0;
  /** Told of each operation before it is done. */
  onOperation: ((operation: FlashOperation) => void) | undefined;
  /** Sectors that are worn out, by their offset: each erase and program fails, and changes nothing. */
  readonly wornSectors = new Set<number>();
  #unstable: Uint8Array | undefined;
  #unstableRandom = new SeededRandom(1);
  #cut: PlannedCut | undefined;
  #operationsToCut = 0;

  /** `unstableBits`: one byte a byte of flash, given when instability shall outlive this object. */
  constructor(cells: FlashCells, sectorBytes: number, unstableBits?: Uint8Array) {
    this.#cells = cells;
    this.#sectorBytes = sectorBytes;
    this.#unstable = unstableBits;
  }

  get bytes(): Uint8Array {
    return this.#cells.bytes;
  }

  /** Arms a cut, or with undefined disarms it. */
  armCut(cut: PlannedCut | undefined): void {
    this.#cut = cut;
    this.#operationsToCut = cut?.operation ?? 0;
    if (cut) this.#unstableRandom = new SeededRandom(cut.seed ^ 0x5eed);
    if (cut?.unstable) this.#unstable ??= new Uint8Array(this.bytes.length);
  }

  read(at: number, target: Uint8Array): void {
    this.#cells.read(at, target);
    if (!this.#unstable) return;
    for (let i = 0; i < target.length; i++) {
      const bits = this.#unstable[at + i]!;
      if (bits !== 0) target[i] = target[i]! ^ (this.#unstableRandom.next() & bits);
    }
  }

  apply(operation: FlashOperation): boolean {
    const { offset, length } = operation;
    this.operations++;
    this.onOperation?.(operation);
    if (this.#cut && --this.#operationsToCut === 0) this.#losePower(operation, this.#cut);
    if (this.wornSectors.has(offset - (offset % this.#sectorBytes))) return false;
    const isDone = this.#cells.apply(operation);
    if (isDone) this.#unstable?.fill(0, offset, offset + length);
    return isDone;
  }

  store(at: number, bytes: Uint8Array): void {
    this.#cells.store(at, bytes);
  }

  close(): void {
    this.#cells.close();
  }

  #losePower(operation: FlashOperation, cut: PlannedCut): never {
    const { offset, length } = operation;
    this.#cut = undefined;
    if (cut.unstable) {
      for (let i = 0; i < length; i++) {
        const before = this.bytes[offset + i]!;
        const goal = operation.data ? before & operation.data[i]! : 0xff;
        this.#unstable![offset + i] = this.#unstable![offset + i]! | (before ^ goal);
      }
    }
    const start = offset - (offset % TEAR_REACH_BYTES);
    const end = Math.ceil((offset + length) / TEAR_REACH_BYTES) * TEAR_REACH_BYTES;
    const hurt = this.bytes.slice(start, end);
    applyTorn(hurt, { ...operation, offset: offset - start }, cut.tear, new SeededRandom(cut.seed));
    this.#cells.store(start, hurt);
    throw new PowerLost(operation);
  }
}
