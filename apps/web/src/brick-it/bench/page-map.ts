// What each page of flash is, for who looks at it: blank, written, torn by a power cut, or damaged by hand.

import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import { layout } from "./geometry.ts";

/** Places are the numbers in a map: append only. */
export const pageKinds = ["erased", "written", "torn", "damaged"] as const;
export type PageKind = (typeof pageKinds)[number];
export const kindNumber = (kind: PageKind): number => pageKinds.indexOf(kind);

const PAGES = layout.sizeBytes / PAGE_BYTES;

const isBlank = (page: Uint8Array): boolean => page.every((byte) => byte === 0xff);

export class PageMap {
  /** Of each page a place in `pageKinds`. */
  readonly kinds = new Uint8Array(PAGES);
  readonly #flash: Uint8Array;
  readonly #changed = new Set<number>();

  constructor(flash: Uint8Array) {
    this.#flash = flash;
    for (let page = 0; page < PAGES; page++) this.#changed.add(page);
    this.settle();
  }

  /** About to be done. Where power goes meanwhile, `torn` has to be told. */
  begins({ kind, offset, length }: Pick<FlashOperation, "kind" | "offset" | "length">): void {
    for (const page of pagesOf(offset, length)) {
      this.#changed.add(page);
      if (kind === "erase") this.kinds[page] = kindNumber("erased");
    }
  }

  /** Looks at what has changed since. A page that is blank again is as good as new. */
  settle(): void {
    for (const page of this.#changed) {
      const blank = isBlank(this.#flash.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
      const before = pageKinds[this.kinds[page]!];
      if (blank) this.kinds[page] = kindNumber("erased");
      else if (before === "erased") this.kinds[page] = kindNumber("written");
    }
    this.#changed.clear();
  }

  /** Power went at this operation: what its pages hold now is nobody's choice. */
  torn({ offset, length }: Pick<FlashOperation, "offset" | "length">): void {
    for (const page of pagesOf(offset, length)) this.#mark(page, "torn");
  }

  damaged(page: number): void {
    this.#mark(page, "damaged");
  }

  /** Even where it looks blank. */
  #mark(page: number, kind: PageKind): void {
    this.#changed.delete(page);
    this.kinds[page] = kindNumber(kind);
  }
}

export function pagesOf(offset: number, length: number): number[] {
  const first = Math.floor(offset / PAGE_BYTES);
  return Array.from({ length: Math.ceil((offset + length) / PAGE_BYTES) - first }, (_, i) => first + i);
}
