// All that a power cut at one operation may leave: a list of pages that differ, for each fault class and
// representative.

import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { tornErase, tornProgram, type Way, ways } from "@flipside/machine/faults/torn-operation";
import type { Board, Operation } from "../device/board.ts";
import { keyOf, type PageStore } from "../device/page-store.ts";

/** The way of this name; undefined: there is none for such an operation. */
export const wayNamed = (kind: FlashOperation["kind"], name: string): Way | undefined =>
  ways[kind].find((way) => way.name === name);

const named: readonly Way["example"][] = ["far", "bits", "kept", "hurt", "begun", "done"];

/** Puts the pages of torn operations into a store; the same operation on the same pages tears alike, and only once. */
export class TornPages {
  readonly #pages: PageStore;
  readonly #seed: number;
  readonly #known = new Map<number, Int32Array>();

  constructor(pages: PageStore, seed: number) {
    this.#pages = pages;
    this.#seed = seed;
  }

  /** Content numbers of the pages from the operation's first one on, after `cut` at `operation`. */
  after(board: Board, operation: Operation, cut: Way): Int32Array {
    const first = Math.floor(operation.offset / PAGE_BYTES);
    const { example } = cut;
    const kind = cut.fault * 16 + (typeof example === "number" ? example : 8 + named.indexOf(example));
    return operation.kind === "erase"
      ? this.#afterErase(board, operation, first, kind, cut)
      : this.#afterProgram(board, operation, first, kind, cut);
  }

  #afterProgram(board: Board, operation: Operation, page: number, kind: number, cut: Way): Int32Array {
    const data = operation.data!;
    const beforeId = board.ids[page]!;
    let a = Math.imul(beforeId + 1, 0x9e3779b1) ^ Math.imul(operation.offset + 1, 0x85ebca6b);
    let b = Math.imul(kind + 1, 0xc2b2ae35) ^ data.length;
    for (let i = 0; i < data.length; i += 4) {
      const word = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
      a = Math.imul(a ^ word, 0x01000193);
      a ^= a >>> 15;
      b = (Math.imul(b, 31) + word) | 0;
    }
    const key = keyOf(a, b ^ (b >>> 15));
    let ids = this.#known.get(key);
    if (ids) return ids;
    const words = new Uint32Array(data.length / 4);
    new Uint8Array(words.buffer).set(data);
    const torn = tornProgram(
      this.#pages.page(beforeId),
      { firstWord: (operation.offset % PAGE_BYTES) / 4, words },
      cut,
      this.#random(kind, board, operation, page),
    );
    ids = Int32Array.of(this.#pages.intern(torn));
    this.#known.set(key, ids);
    return ids;
  }

  #afterErase(board: Board, operation: Operation, first: number, kind: number, cut: Way): Int32Array {
    const count = operation.length / PAGE_BYTES;
    let a = Math.imul(operation.offset + 1, 0x85ebca6b);
    let b = Math.imul(kind + 1, 0xc2b2ae35) ^ 0x5bd1e995;
    for (let page = first; page < first + count; page++) {
      a = Math.imul(a ^ board.ids[page]!, 0x9e3779b1);
      a ^= a >>> 15;
      b = (Math.imul(b, 31) + board.ids[page]!) | 0;
    }
    const key = keyOf(a, b ^ (b >>> 15));
    let ids = this.#known.get(key);
    if (ids) return ids;
    const before = Array.from({ length: count }, (_, i) => this.#pages.page(board.ids[first + i]!));
    const torn = tornErase(before, cut, (page) => this.#random(kind, board, operation, first + page));
    ids = Int32Array.from(torn, (page) => this.#pages.intern(page));
    this.#known.set(key, ids);
    return ids;
  }

  /** The same operation on the same page of the same zone tears alike in every geometry. */
  #random(kind: number, board: Board, operation: Operation, page: number): SeededRandom {
    const length = operation.kind === "erase" ? 0 : operation.length;
    const at =
      Math.imul(board.pageName(page), 0x85ebca6b) ^
      Math.imul((operation.offset % PAGE_BYTES) + 4 * length + 1, 0xc2b2ae35);
    return new SeededRandom(Math.imul(this.#seed ^ Math.imul(kind + 1, 0x9e3779b1), 0x85ebca6b) ^ at);
  }
}
