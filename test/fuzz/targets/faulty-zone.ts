// One zone of flash that may fail: which erases and programs do, and what they leave, is the input's to say. What the
// module tried is written down, whether it was done or not.

import { Exo } from "@flipside/machine/abi";
import type { FuzzInstance } from "../engine/instance.ts";
import { Violation } from "../engine/target.ts";

export interface Attempt {
  kind: "erase" | "program";
  /** Offset in the zone. */
  at: number;
  bytes: Uint8Array | undefined;
  isDone: boolean;
}

/** Between two looks at them. */
const ATTEMPTS_MAX = 1000;

/** What is left of an operation that was not done. */
export enum Leaves {
  Nothing,
  Half,
  Whole,
  Spoilt,
}

export class FaultyZone {
  bytes = new Uint8Array(0);
  sectorBytes = 4096;
  /** Sectors that no erase is done in, and pages that no program is done in, whatever comes. */
  readonly wornSectors = new Set<number>();
  readonly wornPages = new Set<number>();
  /** The next operations, first the lowest bit: 1 is not done. */
  #failing = 0;
  #leaves: Leaves = Leaves.Nothing;
  /** Reads that go well; then none does. */
  readsLeft = Number.POSITIVE_INFINITY;
  hasGeometry = true;
  attempts: Attempt[] = [];

  constructor(
    readonly zone: number,
    readonly instance: () => FuzzInstance,
  ) {}

  format(sectorBytes: number, sectors: number): void {
    this.bytes = new Uint8Array(sectorBytes * sectors).fill(0xff);
    this.sectorBytes = sectorBytes;
    this.wornSectors.clear();
    this.wornPages.clear();
    this.failNext(0, Leaves.Nothing);
    this.readsLeft = Number.POSITIVE_INFINITY;
    this.hasGeometry = true;
    this.attempts = [];
  }

  failNext(operations: number, leaves: Leaves): void {
    this.#failing = operations;
    this.#leaves = leaves;
  }

  #note(attempt: Attempt): void {
    if (this.attempts.push(attempt) > ATTEMPTS_MAX)
      throw new Violation("the zone is erased and programmed without an end");
  }

  #fails(): boolean {
    const fails = (this.#failing & 1) === 1;
    this.#failing >>>= 1;
    return fails;
  }

  #only(zone: number, at: number, length: number, what: string): void {
    if (zone !== this.zone) throw new Violation(`zone ${zone} is ${what}`);
    if (at + length > this.bytes.length) throw new Violation(`the zone is ${what} behind its end`);
  }

  /** Over those of a host that has the other zones. */
  over(host: Record<string, (...args: never[]) => unknown>): Record<string, (...args: never[]) => unknown> {
    const others = host as Record<string, (...args: number[]) => unknown>;
    const calls: Record<string, (...args: number[]) => unknown> = {
      flash_geometry: (zone, out) => {
        if (zone !== this.zone) return others.flash_geometry!(zone!, out!);
        if (!this.hasGeometry) return Exo.Io;
        [this.bytes.length, this.sectorBytes, 4096, 1].forEach((word, i) =>
          this.instance().view.setUint32((out! >>> 0) + 4 * i, word, true),
        );
        return Exo.Ok;
      },
      flash_read: (zone, offset, ptr, length) => {
        if (this.readsLeft-- <= 0) return Exo.Io;
        if (zone !== this.zone) return others.flash_read!(zone!, offset!, ptr!, length!);
        this.#only(zone, offset!, length!, "read");
        this.instance().memory.set(this.bytes.subarray(offset!, offset! + length!), ptr!);
        return Exo.Ok;
      },
      flash_erase: (zone, offset) => {
        this.#only(zone!, offset!, this.sectorBytes, "erased");
        const isDone = !this.#fails() && !this.wornSectors.has(offset! / this.sectorBytes);
        this.#note({ kind: "erase", at: offset!, bytes: undefined, isDone });
        const end = offset! + this.sectorBytes;
        if (isDone) this.bytes.fill(0xff, offset!, end);
        else if (this.#leaves === Leaves.Half) this.bytes.fill(0xff, offset!, offset! + this.sectorBytes / 2);
        else if (this.#leaves === Leaves.Spoilt) this.bytes.fill(0, offset!, end);
        return isDone ? Exo.Ok : Exo.Io;
      },
      flash_program: (zone, offset, ptr, length) => {
        this.#only(zone!, offset!, length!, "programmed");
        const bytes = this.instance().memory.slice(ptr!, ptr! + length!);
        const isErased = bytes.every((byte, i) => (byte & ~this.bytes[offset! + i]!) === 0);
        const isDone = !this.#fails() && !this.wornPages.has(Math.floor(offset! / 4096)) && isErased;
        this.#note({ kind: "program", at: offset!, bytes, isDone });
        const leaves = isDone ? Leaves.Whole : this.#leaves;
        const count = leaves === Leaves.Nothing ? 0 : leaves === Leaves.Half ? length! / 2 : length!;
        for (let i = 0; i < count; i++) this.bytes[offset! + i]! &= leaves === Leaves.Spoilt ? 0 : bytes[i]!;
        return isDone ? Exo.Ok : isErased ? Exo.Io : Exo.NotErased;
      },
    };
    return { ...others, ...calls } as Record<string, (...args: never[]) => unknown>;
  }
}
