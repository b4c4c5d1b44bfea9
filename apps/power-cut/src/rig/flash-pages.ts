// The flash of a host that has it as bytes, by page: as the checkers read it. Looked at again and again, only what has
// changed is taken over.

import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import { PageStore } from "../device/page-store.ts";

/** Bits of a page that may read otherwise. */
export type UnstableOf = (page: number) => Uint32Array | undefined;

export class FlashPages {
  readonly store = new PageStore();
  /** Content number of each page. */
  readonly ids: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(sizeBytes: number) {
    this.ids = new Int32Array(sizeBytes / PAGE_BYTES);
    this.#bytes = new Uint8Array(sizeBytes).fill(0xff);
  }

  /** What it holds now. */
  take(bytes: Uint8Array, unstableOf: UnstableOf = () => undefined): this {
    for (let page = 0; page < this.ids.length; page++) {
      const at = page * PAGE_BYTES;
      const now = bytes.subarray(at, at + PAGE_BYTES);
      const kept = this.#bytes.subarray(at, at + PAGE_BYTES);
      const unstable = unstableOf(page);
      if (!unstable && !this.store.isUnstable(this.ids[page]!) && Buffer.compare(now, kept) === 0) continue;
      kept.set(now);
      this.ids[page] = this.store.intern({ words: new Uint32Array(now.slice().buffer), unstable });
    }
    return this;
  }
}
