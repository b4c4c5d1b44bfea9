// The fault model itself: what each class may leave, and what it must not.

import { describe, expect, it } from "vitest";
import { FlashFault } from "@flipside/machine/faults/flash-fault";
import {
  erased,
  PAGE_WORDS,
  programmed,
  representatives,
  tornErase,
  tornProgram,
} from "@flipside/machine/faults/nor-faults";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";

const program = { firstWord: 8, words: new Uint32Array(64).map((_, i) => Math.imul(i + 1, 0x9e3779b1)) };
const before = programmed(erased(), { firstWord: 0, words: new Uint32Array(8).fill(0x12345678) });
const after = programmed(before, program);
const classes = (kind: "program" | "erase"): [string, FlashFault, number][] =>
  Object.entries(representatives).flatMap(([fault, each]) =>
    Array.from(
      { length: each[kind] },
      (_, n) => [`${each.name}.${n}`, Number(fault) as FlashFault, n] as [string, FlashFault, number],
    ),
  );

describe("a program at which power fails", () => {
  it.each(classes("program"))(
    "%s: outside of its own words, only collateral damage changes anything",
    (_, fault, representative) => {
      const left = tornProgram(before, program, fault, representative, new SeededRandom(7));
      const changed = [...left.words.keys()].filter(
        (at) => (at < 8 || at >= 72) && left.words[at] !== before.words[at],
      );
      expect(changed.length > 0).toBe(fault === FlashFault.ProgramCollateral);
      expect(left.words.length).toBe(PAGE_WORDS);
    },
  );

  it.each(classes("program").filter(([, fault]) => fault !== FlashFault.ProgramCollateral))(
    "%s: sets no bit, and clears none that was not to be cleared",
    (_, fault, representative) => {
      const left = tornProgram(before, program, fault, representative, new SeededRandom(7));
      for (let at = 0; at < PAGE_WORDS; at++) {
        expect((left.words[at]! & ~before.words[at]!) >>> 0).toBe(0);
        expect((after.words[at]! & ~left.words[at]!) >>> 0).toBe(0);
      }
    },
  );

  it("makes bits unstable that it was to clear, and no others", () => {
    for (const fault of [FlashFault.ProgramUnstable, FlashFault.ProgramMarginal]) {
      const { unstable } = tornProgram(before, program, fault, 0, new SeededRandom(7));
      let count = 0;
      for (let at = 0; at < PAGE_WORDS; at++) {
        expect((unstable![at]! & ~(before.words[at]! ^ after.words[at]!)) >>> 0).toBe(0);
        if (unstable![at] !== 0) count++;
      }
      expect(count).toBeGreaterThan(0);
    }
  });

  it("is healed by the same program again, but not where an erase did not hold", () => {
    const torn = tornProgram(before, program, FlashFault.ProgramUnstable, 0, new SeededRandom(7));
    expect(programmed(torn, program).unstable).toBeUndefined();
    const blank = tornErase(before, 0, 4, FlashFault.EraseUnstable, 0, new SeededRandom(7));
    const written = programmed(blank, { firstWord: 0, words: new Uint32Array(8).fill(0) });
    expect(written.unstable![0]).toBe(~0x12345678 >>> 0);
  });
});

describe("an erase at which power fails", () => {
  it("reads as blank, unstably, where bits had been cleared", () => {
    const page = tornErase(before, 0, 4, FlashFault.EraseUnstable, 0, new SeededRandom(7));
    expect(page.words.every((word) => word === 0xffffffff)).toBe(true);
    expect([...page.unstable!.subarray(0, 9)]).toEqual([...new Array(8).fill(~0x12345678 >>> 0), 0]);
  });

  it("may have cleared all bits first", () => {
    expect(
      tornErase(before, 0, 4, FlashFault.EraseCleared, 0, new SeededRandom(7)).words.every((word) => word === 0),
    ).toBe(true);
  });

  it("may have come to half of the sector", () => {
    const half = (page: number): Uint32Array =>
      tornErase(before, page, 4, FlashFault.ErasePartial, 0, new SeededRandom(7)).words;
    expect(half(0)[0]).toBe(0xffffffff);
    expect(half(3)[0]).toBe(0x12345678);
  });
});

it("the same seed leaves the same", () => {
  const leave = (seed: number): Uint32Array =>
    tornProgram(before, program, FlashFault.ProgramSubset, 0, new SeededRandom(seed)).words;
  expect(leave(1)).toEqual(leave(1));
  expect(leave(1)).not.toEqual(leave(2));
});
