// Pages of flash by number: each content is kept once, so that a snapshot of a flash is a short list of numbers, two
// snapshots share what they have in common, and equal ones are recognised by their hash.

import { type FlashPage, PAGE_BYTES, PAGE_WORDS } from "@flipside/machine/faults/flash-page";

/** Two 32-bit lanes. */
export interface Hash {
  a: number;
  b: number;
}

/** One number for a hash: 53 bits, so a million states collide with a chance of one in ten thousand. */
export const keyOf = (a: number, b: number): number => (a >>> 0) * 0x200000 + (b >>> 11);

/**
 * What a word at its place adds to the hash of a page. A sum, so that a program changes it by what it changes: multiply
 * and shift, as in the finalizer of MurmurHash3 (Appleby).
 */
function termA(at: number, word: number): number {
  let h = Math.imul(word ^ Math.imul(at + 1, 0x9e3779b1), 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function termB(at: number, word: number): number {
  let h = Math.imul(word + Math.imul(at + 1, 0x7feb352d), 0x846ca68b);
  h ^= h >>> 15;
  return Math.imul(h, 0x2c1b3c6d);
}

function addWords(words: Uint32Array, salt: number, hash: Hash): void {
  let { a, b } = hash;
  for (let i = 0; i < words.length; i++) {
    a = (a + termA(i ^ salt, words[i]!)) | 0;
    b = (b + termB(i ^ salt, words[i]!)) | 0;
  }
  hash.a = a;
  hash.b = b;
}

export class PageStore {
  /** The page whose bits are all 1. */
  static readonly erasedId = 0;
  readonly #pages: FlashPage[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #hashesA: number[] = [];
  readonly #hashesB: number[] = [];
  readonly #ids = new Map<number, number>();
  readonly #hash: Hash = { a: 0, b: 0 };

  constructor() {
    this.intern({ words: new Uint32Array(PAGE_WORDS).fill(0xffffffff) });
  }

  get size(): number {
    return this.#pages.length;
  }

  page(id: number): FlashPage {
    return this.#pages[id]!;
  }

  bytes(id: number): Uint8Array {
    return this.#bytes[id]!;
  }

  isUnstable(id: number): boolean {
    return this.#pages[id]!.unstable !== undefined;
  }

  /** The number of this content. `page.words` may be a view that changes later: what is new is copied. */
  intern(page: FlashPage): number {
    const hash = this.#hash;
    hash.a = hash.b = 0;
    addWords(page.words, 0, hash);
    if (page.unstable) addWords(page.unstable, 0x10000, hash);
    if (page.weak) addWords(page.weak, 0x20000, hash);
    return this.#find(hash.a, hash.b) ?? this.#add(page, hash.a, hash.b);
  }

  /**
   * The number of page `before` (without unstable bits) after a program of `count` words at `first`; `words` is the
   * page as it is then.
   */
  internProgrammed(before: number, words: Uint32Array, first: number, count: number): number {
    const old = this.#pages[before]!.words;
    let a = this.#hashesA[before]!;
    let b = this.#hashesB[before]!;
    for (let i = first; i < first + count; i++) {
      if (old[i] === words[i]) continue;
      a = (a - termA(i, old[i]!) + termA(i, words[i]!)) | 0;
      b = (b - termB(i, old[i]!) + termB(i, words[i]!)) | 0;
    }
    return this.#find(a, b) ?? this.#add({ words }, a, b);
  }

  #find(a: number, b: number): number | undefined {
    return this.#ids.get(keyOf(a, b));
  }

  #add(page: FlashPage, a: number, b: number): number {
    const words = page.words.slice();
    const id = this.#pages.length;
    this.#pages.push({ words, unstable: page.unstable, weak: page.weak });
    this.#bytes.push(new Uint8Array(words.buffer, 0, PAGE_BYTES));
    this.#hashesA.push(a);
    this.#hashesB.push(b);
    this.#ids.set(keyOf(a, b), id);
    return id;
  }

  /** Forgets all pages from number `size` on. Whoever kept one of these numbers must not use it again. */
  shrinkTo(size: number): void {
    for (let id = size; id < this.#pages.length; id++) this.#ids.delete(keyOf(this.#hashesA[id]!, this.#hashesB[id]!));
    for (const list of [this.#pages, this.#bytes, this.#hashesA, this.#hashesB]) list.length = size;
  }

  /** Snapshot of a whole flash. */
  internFlash(flash: Uint8Array): Int32Array {
    const ids = new Int32Array(flash.length / PAGE_BYTES);
    const words = new Uint32Array(PAGE_WORDS);
    const bytes = new Uint8Array(words.buffer);
    for (let page = 0; page < ids.length; page++) {
      bytes.set(flash.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
      ids[page] = this.intern({ words });
    }
    return ids;
  }

  flashOf(ids: Int32Array): Uint8Array {
    const flash = new Uint8Array(ids.length * PAGE_BYTES);
    ids.forEach((id, page) => flash.set(this.#bytes[id]!, page * PAGE_BYTES));
    return flash;
  }
}

/** What page `page` with content `id` adds to its flash's hash: sums change with one page at a time. */
export function pageTerm(page: number, id: number, hash: Hash, sign: 1 | -1): void {
  let a = Math.imul(id + 0x7ed55d16, 0x85ebca6b) ^ Math.imul(page + 1, 0xc2b2ae35);
  a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d);
  a = Math.imul(a ^ (a >>> 12), 0x297a2d39);
  a ^= a >>> 15;
  let b = Math.imul(id + 0x165667b1, 0x27d4eb2f) ^ Math.imul(page + 77, 0x9e3779b1);
  b = Math.imul(b ^ (b >>> 16), 0x21f0aaad);
  b = Math.imul(b ^ (b >>> 15), 0x735a2d97);
  b ^= b >>> 15;
  hash.a = (hash.a + sign * a) | 0;
  hash.b = (hash.b + sign * b) | 0;
}
