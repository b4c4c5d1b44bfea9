// What power that fails at an operation leaves of a page of NOR flash: of each fault class (flash-fault.ts) several
// examples. Which one comes is nobody's choice, so a campaign has to try each.

import { FlashFault } from "./flash-fault.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** The unit in which flash is compared, kept and hurt: NOR's program page here, whatever a chip's own is. */
export const PAGE_BYTES = 4096;
export const PAGE_WORDS = PAGE_BYTES / 4;

/** Seeded examples of each class, for a program and for an erase; 0: the class does not apply. */
export const representatives: Record<FlashFault, { name: string; program: number; erase: number }> = {
  [FlashFault.NotBegun]: { name: "not-begun", program: 1, erase: 1 },
  [FlashFault.ProgramPrefix]: { name: "prefix", program: 3, erase: 0 },
  [FlashFault.ProgramSubset]: { name: "subset", program: 3, erase: 0 },
  [FlashFault.ProgramUnstable]: { name: "unstable", program: 1, erase: 0 },
  [FlashFault.ProgramMarginal]: { name: "marginal", program: 2, erase: 0 },
  [FlashFault.ProgramCollateral]: { name: "collateral", program: 2, erase: 0 },
  [FlashFault.Complete]: { name: "complete", program: 1, erase: 1 },
  [FlashFault.EraseCleared]: { name: "cleared", program: 0, erase: 2 },
  [FlashFault.ErasePartial]: { name: "partial", program: 0, erase: 3 },
  [FlashFault.EraseUnstable]: { name: "blank-unstable", program: 0, erase: 2 },
  // Drawn at random only (torn-operation.ts).
  [FlashFault.EraseCollateral]: { name: "erase-collateral", program: 0, erase: 0 },
};

/** One page of flash: what it reads as, and which of its bits may read otherwise. */
export interface FlashPage {
  words: Uint32Array;
  /** Bits that may read inverted; undefined: none. */
  unstable?: Uint32Array | undefined;
  /** Those of them that no later program makes stable, since the erase below did not hold. */
  weak?: Uint32Array | undefined;
}

/** A program inside one page: word index and the words to program. */
export interface PageProgram {
  firstWord: number;
  words: Uint32Array;
}

const popcount = (value: number): number => {
  let bits = value - ((value >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

/**
 * What a program leaves when it comes to its end: bits only go to 0, and those that it clears are stable unless weak.
 */
export function programmed(before: FlashPage, program: PageProgram): FlashPage {
  const words = before.words.slice();
  let unstable = before.unstable?.slice();
  for (let i = 0; i < program.words.length; i++) {
    const at = program.firstWord + i;
    words[at] = words[at]! & program.words[i]!;
    if (unstable) unstable[at] = unstable[at]! & (program.words[i]! | (before.weak?.[at] ?? 0));
  }
  if (unstable?.every((word) => word === 0)) unstable = undefined;
  return { words, unstable, weak: unstable && before.weak };
}

/** What power failing at a program leaves. */
export function tornProgram(
  before: FlashPage,
  program: PageProgram,
  fault: FlashFault,
  representative: number,
  random: SeededRandom,
): FlashPage {
  const length = program.words.length;
  const first = program.firstWord;
  const partly = (words: (word: number, i: number) => number): FlashPage =>
    programmed(before, { firstWord: first, words: program.words.map(words) });
  switch (fault) {
    case FlashFault.NotBegun:
      return before;
    case FlashFault.Complete:
      return programmed(before, program);
    case FlashFault.ProgramPrefix: {
      const done = [1, length >>> 1, length - 1][representative]!;
      return partly((word, i) => (i < done ? word : 0xffffffff));
    }
    case FlashFault.ProgramSubset: {
      if (representative < 2) return partly((word) => word | random.next());
      // All of them but one bit.
      const target = random.below(length);
      return partly((word, i) => (i === target ? (word | (word + 1)) >>> 0 : word));
    }
    case FlashFault.ProgramUnstable:
    case FlashFault.ProgramMarginal: {
      const after = programmed(before, program);
      const changed: number[] = [];
      for (let i = 0; i < length; i++) if (before.words[first + i] !== after.words[first + i]) changed.push(first + i);
      if (changed.length === 0) return after;
      const unstable = after.unstable?.slice() ?? new Uint32Array(PAGE_WORDS);
      if (fault === FlashFault.ProgramUnstable) {
        for (const at of changed) unstable[at] = unstable[at]! | (before.words[at]! ^ after.words[at]!);
      } else {
        for (let n = representative === 0 ? 1 : 3; n > 0; n--) {
          const at = random.pick(changed);
          unstable[at] = unstable[at]! | pickBit(before.words[at]! ^ after.words[at]!, random);
        }
      }
      return { words: after.words, unstable, weak: after.weak };
    }
    case FlashFault.ProgramCollateral: {
      const after = programmed(before, program);
      const others: number[] = [];
      for (let at = 0; at < PAGE_WORDS; at++)
        if ((at < first || at >= first + length) && after.words[at] !== 0xffffffff) others.push(at);
      if (others.length === 0) return after;
      for (let n = 0; n < 2; n++) {
        const at = random.pick(others);
        const word = after.words[at]!;
        // Cleared further, or lost again.
        if (representative === 0 && word !== 0) after.words[at] = word & ~pickBit(word, random);
        else after.words[at] = word | pickBit(~word, random);
      }
      return after;
    }
    default:
      throw new RangeError(`${FlashFault[fault]} is no fault of a program`);
  }
}

/** What power failing at the erase of a sector leaves of one of its pages, the `pageOfSector`-th of `pages`. */
export function tornErase(
  before: FlashPage,
  pageOfSector: number,
  pages: number,
  fault: FlashFault,
  representative: number,
  random: SeededRandom,
): FlashPage {
  const map = (change: (word: number, at: number) => number): FlashPage => ({ words: before.words.map(change) });
  switch (fault) {
    case FlashFault.NotBegun:
      return before;
    case FlashFault.Complete:
      return erased();
    case FlashFault.EraseCleared:
      return map((word) => (representative === 0 ? 0 : word & random.next()));
    case FlashFault.ErasePartial:
      if (representative === 0) return pageOfSector < pages >>> 1 ? erased() : before;
      if (representative === 1) return map((word) => word | random.next());
      return map((word) => word | (random.next() & random.next() & random.next()));
    case FlashFault.EraseUnstable: {
      const page = erased();
      const unstable = before.words.map((word) =>
        representative === 0 ? ~word : ~word & random.next() & random.next(),
      );
      if (unstable.every((word) => word === 0)) return page;
      return { words: page.words, unstable, weak: unstable };
    }
    default:
      throw new RangeError(`${FlashFault[fault]} is no fault of an erase`);
  }
}

export function erased(): FlashPage {
  return { words: new Uint32Array(PAGE_WORDS).fill(0xffffffff) };
}

/** One of the bits that are set in `mask`, which is not 0. */
function pickBit(mask: number, random: SeededRandom): number {
  let index = random.below(popcount(mask));
  let rest = mask >>> 0;
  while (index-- > 0) rest &= rest - 1;
  return (rest & -rest) >>> 0;
}
