// Flash in a file: each operation goes to the file before it is done in memory, so whoever opens the file after a crash
// of this process, or of the device's thread, finds all that was ever reported as programmed.

import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { FlashLayout } from "../src/factory/flash-layout.ts";
import { MemoryCells } from "../src/flash/cells.ts";

export class FileCells extends MemoryCells {
  #file: number | undefined;

  /** A file of exactly the layout's size; its content replaces `bytes`. */
  constructor(layout: FlashLayout, path: string, bytes: Uint8Array = new Uint8Array(layout.sizeBytes)) {
    super(bytes);
    const file = openSync(path, "r+");
    let size = fstatSync(file).size;
    // Made when the journal had one sector, at another place: its new one is behind everything else, and was never
    // written.
    const { offsetBytes, sizeBytes } = layout.zones.journal;
    const isOfOldJournal = size === offsetBytes && offsetBytes + sizeBytes === layout.sizeBytes;
    if (isOfOldJournal) size += writeSync(file, new Uint8Array(sizeBytes).fill(0xff), 0, sizeBytes, size);
    if (size !== layout.sizeBytes) {
      closeSync(file);
      throw new RangeError(`${path} has ${size} bytes, the flash ${layout.sizeBytes}: it is of another geometry`);
    }
    for (let at = 0; at < size; ) {
      const got = readSync(file, this.bytes, at, size - at, at);
      if (got === 0) throw new Error(`${path} became shorter while it was read`);
      at += got;
    }
    this.#file = file;
  }

  override store(at: number, bytes: Uint8Array): void {
    const file = this.#file;
    if (file !== undefined) {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
    }
    super.store(at, bytes);
  }

  override close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
