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
  /** `unstableBytes` of it, given when instability shall outlive the flash. */
  unstable?: Uint8Array | undefined;
}

export function openFlash(options: FlashOptions): { flash: NorFlash; cells: FaultyCells } {
  const { layout, path, unstable } = options;
  const bytes = options.bytes ?? new Uint8Array(layout.sizeBytes).fill(0xff);
  const whole = path === undefined ? new MemoryCells(bytes) : new FileCells(layout, path, bytes);
  const cells = new FaultyCells(whole, layout.sectorBytes, unstable);
  return { flash: new NorFlash(layout, cells), cells };
}
