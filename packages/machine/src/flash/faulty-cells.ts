// Faults around cells that have none: power that is cut in the middle of an operation, bits that read differently each
// time after it (design, "Boot control"), sectors that are worn out. And the place to watch operations from.

import type { FlashOperation } from "../faults/flash-operation.ts";
import { type FlashPage, PAGE_BYTES, programmed } from "../faults/flash-page.ts";
import { SeededRandom } from "../faults/seeded-random.ts";
import { type Leaves, tornPages } from "../faults/torn-operation.ts";
import { type Reading, UnstableReads } from "../faults/unstable-reads.ts";
import type { FlashCells } from "./cells.ts";

/** Power goes at this operation, counted from 1 from when it is armed. The same cut on the same flash tears alike. */
export interface PlannedCut {
  operation: number;
  leaves: Leaves;
  seed: number;
}

/** How bits read that are unstable. */
export interface PlannedReading {
  reading: Reading;
  seed: number;
}

/** Thrown out of an operation at which power was cut. */
export class PowerLost extends Error {
  override name = "PowerLost";
  constructor(readonly operation: FlashOperation) {
    super(`power was cut at an ${operation.kind} of ${operation.length} bytes at ${operation.offset}`);
  }
}

/** Memory of which bits are unstable: for each byte of flash one, and then for each byte one of those that stay so. */
export const unstableBytes = (flashBytes: number): number => 2 * flashBytes;

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
  readonly #reads: UnstableReads;
  #cut: PlannedCut | undefined;
  #operationsToCut = 0;

  /** `unstable`: `unstableBytes` of it, given when instability shall outlive this object. */
  constructor(cells: FlashCells, sectorBytes: number, unstable?: Uint8Array) {
    this.#cells = cells;
    this.#sectorBytes = sectorBytes;
    this.#unstable = unstable;
    this.#reads = new UnstableReads(cells.bytes.length / PAGE_BYTES);
    this.readUnstable({ reading: "flickering", seed: 1 });
  }

  get bytes(): Uint8Array {
    return this.#cells.bytes;
  }

  /** Arms a cut, or with undefined disarms it. */
  armCut(cut: PlannedCut | undefined): void {
    this.#cut = cut;
    this.#operationsToCut = cut?.operation ?? 0;
    if (cut) this.#unstable ??= new Uint8Array(unstableBytes(this.bytes.length));
  }

  /** From now on unstable bits read so. */
  readUnstable({ reading, seed }: PlannedReading): void {
    this.#reads.powerOn(reading, seed);
  }

  read(at: number, target: Uint8Array): void {
    this.#cells.read(at, target);
    if (!this.#unstable) return;
    for (let page = Math.floor(at / PAGE_BYTES); page * PAGE_BYTES < at + target.length; page++) {
      const bits = this.#unstable.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      this.#reads.disturb(bits, page, at, target);
    }
  }

  apply(operation: FlashOperation): boolean {
    const { offset } = operation;
    this.operations++;
    this.onOperation?.(operation);
    if (this.#cut && --this.#operationsToCut === 0) this.#losePower(operation, this.#cut);
    if (this.wornSectors.has(offset - (offset % this.#sectorBytes))) return false;
    const isDone = this.#cells.apply(operation);
    if (isDone && this.#unstable) this.#settle(operation, this.#unstable);
    return isDone;
  }

  store(at: number, bytes: Uint8Array): void {
    this.#cells.store(at, bytes);
  }

  close(): void {
    this.#cells.close();
  }

  /** What an operation makes stable that came to its end. */
  #settle({ offset, length, data }: FlashOperation, unstable: Uint8Array): void {
    const { length: weakFrom } = this.bytes;
    if (!data) {
      unstable.fill(0, offset, offset + length);
      unstable.fill(0, weakFrom + offset, weakFrom + offset + length);
      return;
    }
    const page = Math.floor(offset / PAGE_BYTES);
    const before = this.#page(page);
    if (!before.unstable) return;
    const firstWord = (offset % PAGE_BYTES) / 4;
    this.#keepUnstable(page, programmed(before, { firstWord, words: new Uint32Array(data.slice().buffer) }));
  }

  #page(page: number): FlashPage {
    const words = (bytes: Uint8Array, at: number): Uint32Array =>
      new Uint32Array(bytes.slice(at, at + PAGE_BYTES).buffer);
    const of = (at: number): Uint32Array | undefined => {
      const bits = this.#unstable && words(this.#unstable, at);
      return bits?.some((word) => word !== 0) ? bits : undefined;
    };
    const at = page * PAGE_BYTES;
    return { words: words(this.bytes, at), unstable: of(at), weak: of(this.bytes.length + at) };
  }

  #keepUnstable(page: number, { unstable, weak }: FlashPage): void {
    const at = page * PAGE_BYTES;
    [unstable, weak].forEach((bits, n) => {
      const from = n * this.bytes.length + at;
      if (bits) this.#unstable!.set(new Uint8Array(bits.buffer, bits.byteOffset, PAGE_BYTES), from);
      else this.#unstable!.fill(0, from, from + PAGE_BYTES);
    });
  }

  #losePower(operation: FlashOperation, cut: PlannedCut): never {
    const { offset, length } = operation;
    this.#cut = undefined;
    const first = Math.floor(offset / PAGE_BYTES);
    const count = Math.ceil((offset + length) / PAGE_BYTES) - first;
    const before = Array.from({ length: count }, (_, i) => this.#page(first + i));
    const after = tornPages(before, operation, cut.leaves, new SeededRandom(cut.seed));
    after.forEach((page, i) => {
      this.#cells.store((first + i) * PAGE_BYTES, new Uint8Array(page.words.buffer, 0, PAGE_BYTES));
      this.#keepUnstable(first + i, page);
    });
    throw new PowerLost(operation);
  }
}
