// A virtual device's flash: the driver, over cells that can be faulty, in memory or in a file.

import type { FlashLayout } from "../src/factory/flash-layout.ts";
import { MemoryCells } from "../src/flash/cells.ts";
import { FaultyCells } from "../src/flash/faulty-cells.ts";
import { NorFlash } from "../src/flash/nor-flash.ts";
import { FileCells } from "./file-cells.ts";

export interface FlashOptions {
  layout: FlashLayout;
  /** Exactly the layout's size; default: erased memory. */
  bytes?: Uint8Array;
  /** A file of exactly the layout's size; its content replaces `bytes`. */
  path?: string | undefined;
  /** One byte a byte of flash: bits that are unstable. Given when instability shall outlive the flash. */
  unstableBits?: Uint8Array | undefined;
}

export function openFlash(options: FlashOptions): { flash: NorFlash; cells: FaultyCells } {
  const { layout, path, unstableBits } = options;
  const bytes = options.bytes ?? new Uint8Array(layout.sizeBytes).fill(0xff);
  const whole = path === undefined ? new MemoryCells(bytes) : new FileCells(layout, path, bytes);
  const cells = new FaultyCells(whole, layout.sectorBytes, unstableBits);
  return { flash: new NorFlash(layout, cells), cells };
}
