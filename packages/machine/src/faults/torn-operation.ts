// What power that fails at an operation leaves of NOR flash: of each fault class (flash-fault.ts) several examples, for
// every host. Which one comes is nobody's choice, so a campaign tries each; a host that shall lose power once takes
// one.
//
// The driver of the unikernel's test builds (exokernel/flash_faults.c) has seven of them in C, by number (`tears`), and
// leaves the same bytes (apps/agent/test/flash-driver/tears.test.ts).

import { FlashFault } from "./flash-fault.ts";
import type { FlashOperation } from "./flash-operation.ts";
import { erased, type FlashPage, PAGE_BYTES, PAGE_WORDS, type PageProgram, programmed } from "./flash-page.ts";
import type { SeededRandom } from "./seeded-random.ts";

/**
 * An example of a fault class. Numbers are those of which each is tried at each operation, with whatever they draw
 * drawn by words. Of the others one is taken now and then; the first four the driver's C has as well, drawn by bytes:
 *   far    the operation went on in order, and so far it got
 *   bits   each bit is old or new
 *   kept   the same, drawn as what stays
 *   hurt   bits of the page, or of the sector, were cleared
 *   begun  nothing was done, but for one to three bits that are unstable
 *   done   all was done, but for one to three bits that are unstable
 */
export type Example = number | "far" | "bits" | "kept" | "hurt" | "begun" | "done";

/** One way in which power may leave an operation. */
export interface Way {
  fault: FlashFault;
  example: Example;
  /** What it is called in the id of a case. */
  name: string;
}

type Kind = FlashOperation["kind"];

/** So many numbered examples of each class there are, of a program and of an erase; 0: the class does not apply. */
const classes: Record<FlashFault, { name: string; program: number; erase: number }> = {
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
  // Drawn only: "hurt".
  [FlashFault.EraseCollateral]: { name: "erase-collateral", program: 0, erase: 0 },
};

const way = (fault: FlashFault, example: Example): Way => ({
  fault,
  example,
  name: `${classes[fault].name}.${example}`,
});

const numbered = (kind: Kind): Way[] =>
  Object.keys(classes).flatMap((fault) =>
    Array.from({ length: classes[Number(fault) as FlashFault][kind] }, (_, example) => way(Number(fault), example)),
  );

/** The numbered examples. */
export const ways: Record<Kind, readonly Way[]> = { program: numbered("program"), erase: numbered("erase") };

/** What the driver's C knows. Places are the numbers of enum fault_tear (exokernel/flash_faults.h): append only. */
export const tears = ["nothing", "everything", "prefix", "subset", "cleared", "neighbours", "zeroed"] as const;
export type Tear = (typeof tears)[number];

/** What is left of whichever operation it is that power fails at. */
export type Leaves = Record<Kind, Way>;

/** A tear is one way for a program, and one for an erase. */
export const wayOf: Record<Tear, Leaves> = {
  nothing: { program: way(FlashFault.NotBegun, 0), erase: way(FlashFault.NotBegun, 0) },
  everything: { program: way(FlashFault.Complete, 0), erase: way(FlashFault.Complete, 0) },
  prefix: { program: way(FlashFault.ProgramPrefix, "far"), erase: way(FlashFault.ErasePartial, "far") },
  subset: { program: way(FlashFault.ProgramSubset, "bits"), erase: way(FlashFault.ErasePartial, "bits") },
  cleared: { program: way(FlashFault.ProgramSubset, "kept"), erase: way(FlashFault.EraseCleared, "kept") },
  neighbours: { program: way(FlashFault.ProgramCollateral, "hurt"), erase: way(FlashFault.EraseCollateral, "hurt") },
  zeroed: { program: way(FlashFault.Complete, 0), erase: way(FlashFault.EraseCleared, 0) },
};

const marginal: Record<Kind, readonly Way[]> = {
  program: [way(FlashFault.ProgramMarginal, "begun")],
  erase: [way(FlashFault.ErasePartial, "begun"), way(FlashFault.EraseUnstable, "done")],
};

/** Every way there is, once. */
export const allWays: Record<Kind, readonly Way[]> = { program: all("program"), erase: all("erase") };

function all(kind: Kind): Way[] {
  const each = [...ways[kind], ...tears.map((tear) => wayOf[tear][kind]), ...marginal[kind]];
  return [...new Map(each.map((one) => [one.name, one])).values()];
}

/** One of them for each kind of operation. */
export const drawLeaves = (random: SeededRandom): Leaves => ({
  program: random.pick(allWays.program),
  erase: random.pick(allWays.erase),
});

const HURT_BITS = 8;
const MARGINAL_BITS_MAX = 3;

const popcount = (value: number): number => {
  let bits = value - ((value >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

const bytesOf = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** Bytes drawn one after the other, as words. */
function drawnWords(count: number, random: SeededRandom): Uint32Array {
  const words = new Uint32Array(count);
  bytesOf(words).forEach((_, i, bytes) => (bytes[i] = random.next()));
  return words;
}

/** What power failing at a program leaves of its page. */
export function tornProgram(
  before: FlashPage,
  program: PageProgram,
  { fault, example }: Pick<Way, "fault" | "example">,
  random: SeededRandom,
): FlashPage {
  switch (fault) {
    case FlashFault.NotBegun:
      return before;
    case FlashFault.Complete:
      return programmed(before, program);
    case FlashFault.ProgramPrefix:
      return programmedUpTo(before, program, example, random);
    case FlashFault.ProgramSubset:
      return programmedInPart(before, program, example, random);
    case FlashFault.ProgramUnstable:
    case FlashFault.ProgramMarginal:
      return programmedUnstably(before, program, fault, example, random);
    case FlashFault.ProgramCollateral:
      return programmedWithHarm(before, program, example, random);
    default:
      throw new RangeError(`${FlashFault[fault]} is no fault of a program`);
  }
}

/** The write buffer is copied to the array in order, and so far it got. */
function programmedUpTo(before: FlashPage, program: PageProgram, example: Example, random: SeededRandom): FlashPage {
  const words = program.words.slice();
  const { length } = words;
  const done = example === "far" ? random.below(4 * length + 1) : 4 * [1, length >>> 1, length - 1][Number(example)]!;
  bytesOf(words).fill(0xff, done);
  return programmed(before, { firstWord: program.firstWord, words });
}

/**
 * Cells change side by side and at their own speed (buffered programming is parallel: Intel 28F320J5 datasheet, "Write
 * to Buffer").
 */
function programmedInPart(before: FlashPage, program: PageProgram, example: Example, random: SeededRandom): FlashPage {
  const { firstWord, words } = program;
  const partly = (change: (word: number, i: number) => number): FlashPage =>
    programmed(before, { firstWord, words: words.map(change) });
  if (example === "bits" || example === "kept") {
    const drawn = drawnWords(words.length, random);
    return partly((word, i) => word | (example === "bits" ? ~drawn[i]! : drawn[i]!));
  }
  if (Number(example) < 2) return partly((word) => word | random.next());
  // All of them but one bit.
  const target = random.below(words.length);
  return partly((word, i) => (i === target ? (word | (word + 1)) >>> 0 : word));
}

function programmedUnstably(
  before: FlashPage,
  program: PageProgram,
  fault: FlashFault,
  example: Example,
  random: SeededRandom,
): FlashPage {
  const first = program.firstWord;
  const after = programmed(before, program);
  if (example === "begun") return withFewUnstable([before], [after], [before], random)[0]!;
  const changed: number[] = [];
  for (let at = first; at < first + program.words.length; at++)
    if (before.words[at] !== after.words[at]) changed.push(at);
  if (changed.length === 0) return after;
  const unstable = after.unstable?.slice() ?? new Uint32Array(PAGE_WORDS);
  if (fault === FlashFault.ProgramUnstable) {
    for (const at of changed) unstable[at] = unstable[at]! | (before.words[at]! ^ after.words[at]!);
  } else {
    for (let n = example === 0 ? 1 : 3; n > 0; n--) {
      const at = random.pick(changed);
      unstable[at] = unstable[at]! | pickBit(before.words[at]! ^ after.words[at]!, random);
    }
  }
  return { words: after.words, unstable, weak: after.weak };
}

function programmedWithHarm(
  before: FlashPage,
  program: PageProgram,
  example: Example,
  random: SeededRandom,
): FlashPage {
  const after = programmed(before, program);
  if (example === "hurt") {
    hurt([after], random);
    return after;
  }
  const first = program.firstWord;
  const others: number[] = [];
  for (let at = 0; at < PAGE_WORDS; at++)
    if ((at < first || at >= first + program.words.length) && after.words[at] !== 0xffffffff) others.push(at);
  if (others.length === 0) return after;
  for (let n = 0; n < 2; n++) {
    const at = random.pick(others);
    const word = after.words[at]!;
    // Cleared further, or lost again.
    if (example === 0 && word !== 0) after.words[at] = word & ~pickBit(word, random);
    else after.words[at] = word | pickBit(~word, random);
  }
  return after;
}

/** Single cells, anywhere in pages that were written just now, are disturbed to 0. */
function hurt(pages: readonly FlashPage[], random: SeededRandom): void {
  for (let n = 0; n < HURT_BITS; n++) {
    const at = random.below(pages.length * PAGE_BYTES);
    const bytes = bytesOf(pages[Math.floor(at / PAGE_BYTES)]!.words);
    bytes[at % PAGE_BYTES] = bytes[at % PAGE_BYTES]! & ~(1 << random.below(8));
  }
}

/** `pages`, of which one to three bits are unstable of those that differ between `before` and `after`. */
function withFewUnstable(
  before: readonly FlashPage[],
  after: readonly FlashPage[],
  pages: readonly FlashPage[],
  random: SeededRandom,
): FlashPage[] {
  const changed = before.flatMap(({ words }, page) =>
    [...words.keys()].filter((at) => words[at] !== after[page]!.words[at]).map((at) => ({ page, at })),
  );
  const left = pages.map((page) => ({ ...page, unstable: page.unstable?.slice() }));
  if (changed.length === 0) return left;
  for (let n = 1 + random.below(MARGINAL_BITS_MAX); n > 0; n--) {
    const { page, at } = random.pick(changed);
    const bits = (left[page]!.unstable ??= new Uint32Array(PAGE_WORDS));
    bits[at] = bits[at]! | pickBit(before[page]!.words[at]! ^ after[page]!.words[at]!, random);
  }
  return left;
}

/**
 * What power failing at the erase of a sector leaves of its pages. `randomOf`: whence the draws for a page come; what
 * is drawn for the whole sector comes from its first one's.
 */
export function tornErase(
  before: readonly FlashPage[],
  { fault, example }: Pick<Way, "fault" | "example">,
  randomOf: (page: number) => SeededRandom,
): FlashPage[] {
  if (fault === FlashFault.EraseCollateral) {
    const after = before.map(erased);
    hurt(after, randomOf(0));
    return after;
  }
  if (fault === FlashFault.ErasePartial && example === "far") {
    const done = randomOf(0).below(before.length * PAGE_BYTES + 1);
    return before.map(({ words }, page) => {
      const after = words.slice();
      bytesOf(after).fill(0xff, 0, Math.max(0, done - page * PAGE_BYTES));
      return { words: after };
    });
  }
  if (example === "begun" || example === "done") {
    const after = before.map(erased);
    return withFewUnstable(before, after, example === "begun" ? before : after, randomOf(0));
  }
  return before.map((page, i) => tornErasePage(page, i, before.length, fault, example, () => randomOf(i)));
}

function tornErasePage(
  before: FlashPage,
  pageOfSector: number,
  pages: number,
  fault: FlashFault,
  example: Example,
  randomOf: () => SeededRandom,
): FlashPage {
  const map = (change: (word: number, at: number) => number): FlashPage => ({ words: before.words.map(change) });
  switch (fault) {
    case FlashFault.NotBegun:
      return before;
    case FlashFault.Complete:
      return erased();
    case FlashFault.EraseCleared: {
      // Every cell is programmed to 0 before any is erased (Numonyx J3-65nm datasheet, 9.1: "preconditioned").
      if (example === 0) return map(() => 0);
      const random = randomOf();
      if (example !== "kept") return map((word) => word & random.next());
      const kept = drawnWords(PAGE_WORDS, random);
      return map((word, at) => word & kept[at]!);
    }
    case FlashFault.ErasePartial: {
      if (example === 0) return pageOfSector < pages >>> 1 ? erased() : before;
      const random = randomOf();
      if (example === 1) return map((word) => word | random.next());
      if (example === 2) return map((word) => word | (random.next() & random.next() & random.next()));
      const drawn = drawnWords(PAGE_WORDS, random);
      return map((word, at) => word | drawn[at]!);
    }
    case FlashFault.EraseUnstable: {
      const page = erased();
      const random = randomOf();
      const unstable = before.words.map((word) => (example === 0 ? ~word : ~word & random.next() & random.next()));
      if (unstable.every((word) => word === 0)) return page;
      return { words: page.words, unstable, weak: unstable };
    }
    default:
      throw new RangeError(`${FlashFault[fault]} is no fault of an erase`);
  }
}

/** What is left of any operation: of the pages that it lies in, all drawn from one generator. */
export function tornPages(
  before: readonly FlashPage[],
  operation: FlashOperation,
  leaves: Leaves,
  random: SeededRandom,
): FlashPage[] {
  if (operation.kind === "erase") return tornErase(before, leaves.erase, () => random);
  const words = new Uint32Array(operation.length / 4);
  bytesOf(words).set(operation.data!);
  const firstWord = (operation.offset % PAGE_BYTES) / 4;
  return [tornProgram(before[0]!, { firstWord, words }, leaves.program, random)];
}

/** Leaves `operation` torn on a flash that has no unstable bits, and can have none. */
export function applyTorn(flash: Uint8Array, operation: FlashOperation, tear: Tear, random: SeededRandom): void {
  const start = operation.offset - (operation.offset % PAGE_BYTES);
  const count = Math.ceil((operation.offset + operation.length - start) / PAGE_BYTES);
  const before = Array.from({ length: count }, (_, page): FlashPage => {
    const at = start + page * PAGE_BYTES;
    return { words: new Uint32Array(flash.slice(at, at + PAGE_BYTES).buffer) };
  });
  tornPages(before, operation, wayOf[tear], random).forEach(({ words }, page) =>
    flash.set(bytesOf(words), start + page * PAGE_BYTES),
  );
}

/** One of the bits that are set in `mask`, which is not 0. */
function pickBit(mask: number, random: SeededRandom): number {
  let index = random.below(popcount(mask));
  let rest = mask >>> 0;
  while (index-- > 0) rest &= rest - 1;
  return (rest & -rest) >>> 0;
}
