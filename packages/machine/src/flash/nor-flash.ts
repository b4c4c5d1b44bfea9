// The driver of NOR flash: bits only go from 1 to 0, a program stays in one page, an erase takes a whole sector.
// Results are those of exokernel/flash_cfi.c.

import { Exo, VERIFIED } from "../abi.ts";
import type { FlashLayout } from "../factory/flash-layout.ts";
import type { FlashPort } from "../ports.ts";
import type { FlashCells } from "./cells.ts";
import { isProgramRange } from "./program-range.ts";

/** It is memory, and a file that is written through to. */
const OPERATION_MS_MAX = 100;

export class NorFlash implements FlashPort {
  readonly eraseMsMax = OPERATION_MS_MAX;
  readonly programMsMax = OPERATION_MS_MAX;
  readonly #cells: FlashCells;

  constructor(
    readonly layout: FlashLayout,
    cells: FlashCells,
  ) {
    const { length } = cells.bytes;
    const { sizeBytes } = layout;
    if (length !== sizeBytes) throw new RangeError(`${length} bytes of flash for a layout of ${sizeBytes}`);
    this.#cells = cells;
  }

  /** The range was checked against its zone. */
  read(at: number, target: Uint8Array): number {
    this.#cells.read(at, target);
    return Exo.Ok;
  }

  /** Programs inside one page. EXO_E_ARGUMENT for a range that NOR can't program, EXO_E_NOT_ERASED for 0 to 1. */
  program(at: number, data: Uint8Array, durability: number): number {
    const { length } = data;
    const { pageBytes, sizeBytes } = this.layout;
    if (at < 0 || at + length > sizeBytes || !isProgramRange(at, length, pageBytes)) return Exo.Argument;
    const now = new Uint8Array(length);
    this.#cells.read(at, now);
    for (let i = 0; i < length; i++) if ((data[i]! & ~now[i]!) !== 0) return Exo.NotErased;

    const source = data.slice();
    if (!this.#cells.apply({ kind: "program", offset: at, length, data: source })) return Exo.Io;
    if (durability === VERIFIED) {
      this.#cells.read(at, now);
      for (let i = 0; i < length; i++) if (now[i] !== source[i]) return Exo.Verify;
    }
    return Exo.Ok;
  }

  /** Erases the sector at `at`, a multiple of the sector. */
  erase(at: number): number {
    const { sectorBytes, sizeBytes } = this.layout;
    if (at < 0 || at % sectorBytes !== 0 || at + sectorBytes > sizeBytes) return Exo.Argument;
    return this.#cells.apply({ kind: "erase", offset: at, length: sectorBytes }) ? Exo.Ok : Exo.Io;
  }
}
