// A page of NOR flash with what is wrong about it: bits that may read otherwise than they are, and those of them that
// no program makes stable. What operations make of it when power stays.

/** The unit in which flash is compared, kept and hurt: NOR's program page here, whatever a chip's own is. */
export const PAGE_BYTES = 4096;
export const PAGE_WORDS = PAGE_BYTES / 4;

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

export function erased(): FlashPage {
  return { words: new Uint32Array(PAGE_WORDS).fill(0xffffffff) };
}
