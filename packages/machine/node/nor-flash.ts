// Simulated NOR flash: bits only go from 1 to 0, a program stays in one page, an erase takes a whole sector. Results are
// those of exokernel/flash_cfi.c. It can lose power in the middle of an operation, and then hold bits that read
// differently each time (design, "Boot control").
//
// The bytes may lie in shared memory, so that they outlive the thread that runs the device, and in a file: each operation
// goes to the file before it is done in memory, so whoever opens the file after a crash of this process, or of the
// device's thread, finds all that was ever reported as programmed.

import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { FlashLayout } from "../src/factory/flash-layout.ts";
import { applyTorn, type FlashOperation, type Tear } from "../src/faults/torn-operation.ts";
import { SeededRandom } from "../src/faults/seeded-random.ts";
import { Exo, VERIFIED } from "../src/abi.ts";

/** Neighbours that a torn operation may hurt lie in the same such page (src/faults/torn-operation.ts). */
const TEAR_REACH_BYTES = 4096;

/** Power goes at this operation, counted from 1 from when the cut is armed. The same cut on the same flash tears alike. */
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

export interface NorFlashOptions {
  layout: FlashLayout;
  /** Exactly the layout's size; default: erased memory. */
  bytes?: Uint8Array;
  /** A file of exactly the layout's size; its content replaces `bytes`. */
  path?: string;
  /** One byte a byte of flash: bits that are unstable. Given when instability shall outlive this object. */
  unstableBits?: Uint8Array;
}

export class NorFlash {
  readonly layout: FlashLayout;
  readonly bytes: Uint8Array;
  /** Erases and programs that were begun, ever. */
  operations = 0;
  /** Told of each operation before it is done. */
  onOperation: ((operation: FlashOperation) => void) | undefined;
  /** Sectors that are worn out, by their offset: each erase and program fails, and changes nothing. */
  readonly wornSectors = new Set<number>();
  #file: number | undefined;
  #unstable: Uint8Array | undefined;
  #unstableRandom = new SeededRandom(1);
  #cut: PlannedCut | undefined;
  #operationsToCut = 0;

  constructor(options: NorFlashOptions) {
    const { layout } = options;
    this.layout = layout;
    this.bytes = options.bytes ?? new Uint8Array(layout.sizeBytes).fill(0xff);
    if (this.bytes.length !== layout.sizeBytes) throw new RangeError(`${this.bytes.length} bytes of flash for a layout of ${layout.sizeBytes}`);
    this.#unstable = options.unstableBits;
    if (options.path !== undefined) this.#open(options.path);
  }

  #open(path: string): void {
    const file = openSync(path, "r+");
    let size = fstatSync(file).size;
    // Made when the journal had one sector, at another place: its new one is behind everything else, and was never written.
    const { offsetBytes, sizeBytes } = this.layout.zones.journal;
    if (size === offsetBytes && offsetBytes + sizeBytes === this.layout.sizeBytes) size += writeSync(file, new Uint8Array(sizeBytes).fill(0xff), 0, sizeBytes, size);
    if (size !== this.layout.sizeBytes) {
      closeSync(file);
      throw new RangeError(`${path} has ${size} bytes, the flash ${this.layout.sizeBytes}: it is of another geometry`);
    }
    for (let at = 0; at < size; ) {
      const got = readSync(file, this.bytes, at, size - at, at);
      if (got === 0) throw new Error(`${path} became shorter while it was read`);
      at += got;
    }
    this.#file = file;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Arms a cut, or with undefined disarms it. */
  armCut(cut: PlannedCut | undefined): void {
    this.#cut = cut;
    this.#operationsToCut = cut?.operation ?? 0;
    if (cut) this.#unstableRandom = new SeededRandom(cut.seed ^ 0x5eed);
    if (cut?.unstable) this.#unstable ??= new Uint8Array(this.bytes.length);
  }

  /** The range was checked against its zone. */
  read(offset: number, target: Uint8Array): void {
    target.set(this.bytes.subarray(offset, offset + target.length));
    if (!this.#unstable) return;
    for (let i = 0; i < target.length; i++) {
      const bits = this.#unstable[offset + i]!;
      if (bits !== 0) target[i] = target[i]! ^ (this.#unstableRandom.next() & bits);
    }
  }

  /** Programs inside one page. EXO_E_ARGUMENT for a range that NOR can't program, EXO_E_NOT_ERASED for 0 to 1. */
  program(offset: number, data: Uint8Array, durability: number): number {
    const page = this.layout.pageBytes;
    const length = data.length;
    if (offset < 0 || length === 0 || length > page || offset + length > this.bytes.length) return Exo.Argument;
    if (((offset | length) & 3) !== 0 || (offset & (page - 1)) > page - length) return Exo.Argument;
    const now = new Uint8Array(length);
    this.read(offset, now);
    for (let i = 0; i < length; i++) if ((data[i]! & ~now[i]!) !== 0) return Exo.NotErased;

    const source = data.slice();
    if (!this.#begin({ kind: "program", offset, length, data: source })) return Exo.Io;
    this.#store(offset, source.map((byte, i) => byte & now[i]!));
    if (durability === VERIFIED) {
      this.read(offset, now);
      for (let i = 0; i < length; i++) if (now[i] !== source[i]) return Exo.Verify;
    }
    return Exo.Ok;
  }

  /** Erases the sector at `offset`, a multiple of the sector. */
  erase(offset: number): number {
    const length = this.layout.sectorBytes;
    if (offset < 0 || offset % length !== 0 || offset + length > this.bytes.length) return Exo.Argument;
    if (!this.#begin({ kind: "erase", offset, length })) return Exo.Io;
    this.#store(offset, new Uint8Array(length).fill(0xff));
    return Exo.Ok;
  }

  /** False: it fails. */
  #begin(operation: FlashOperation): boolean {
    this.operations++;
    this.onOperation?.(operation);
    if (this.#cut && --this.#operationsToCut === 0) this.#losePower(operation, this.#cut);
    return !this.wornSectors.has(operation.offset - (operation.offset % this.layout.sectorBytes));
  }

  #store(offset: number, bytes: Uint8Array): void {
    this.#writeThrough(offset, bytes);
    this.bytes.set(bytes, offset);
    this.#unstable?.fill(0, offset, offset + bytes.length);
  }

  #writeThrough(offset: number, bytes: Uint8Array): void {
    if (this.#file === undefined) return;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at, bytes.length - at, offset + at);
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
    applyTorn(this.bytes, operation, cut.tear, new SeededRandom(cut.seed));
    const start = offset - (offset % TEAR_REACH_BYTES);
    const end = Math.min(this.bytes.length, Math.ceil((offset + length) / TEAR_REACH_BYTES) * TEAR_REACH_BYTES);
    this.#writeThrough(start, this.bytes.subarray(start, end));
    throw new PowerLost(operation);
  }
}
