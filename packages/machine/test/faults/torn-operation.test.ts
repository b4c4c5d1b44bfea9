// The fault model itself: what each class may leave, and what it must not.

import { describe, expect, it } from "vitest";
import { FlashFault } from "@flipside/machine/faults/flash-fault";
import { erased, type FlashPage, PAGE_WORDS, programmed } from "@flipside/machine/faults/flash-page";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { allWays, tornErase, tornProgram, type Way } from "@flipside/machine/faults/torn-operation";

const program = { firstWord: 8, words: new Uint32Array(64).map((_, i) => Math.imul(i + 1, 0x9e3779b1)) };
const before = programmed(erased(), { firstWord: 0, words: new Uint32Array(8).fill(0x12345678) });
const after = programmed(before, program);
const named = (kind: "program" | "erase"): [string, Way][] => allWays[kind].map((way) => [way.name, way]);
const torn = (way: Pick<Way, "fault" | "example">, random = new SeededRandom(7)): FlashPage =>
  tornProgram(before, program, way, random);
/** Of one page. */
const tornSector = (fault: FlashFault, example: Way["example"], pages = [before]): FlashPage[] =>
  tornErase(pages, { fault, example }, () => new SeededRandom(7));

describe("a program at which power fails", () => {
  it.each(named("program"))("%s: outside of its own words, only collateral damage changes anything", (_, way) => {
    const left = torn(way);
    const changed = [...left.words.keys()].filter((at) => (at < 8 || at >= 72) && left.words[at] !== before.words[at]);
    expect(changed.length > 0).toBe(way.fault === FlashFault.ProgramCollateral);
    expect(left.words.length).toBe(PAGE_WORDS);
  });

  it.each(named("program").filter(([, { fault }]) => fault !== FlashFault.ProgramCollateral))(
    "%s: sets no bit, and clears none that was not to be cleared",
    (_, way) => {
      const left = torn(way);
      for (let at = 0; at < PAGE_WORDS; at++) {
        expect((left.words[at]! & ~before.words[at]!) >>> 0).toBe(0);
        expect((after.words[at]! & ~left.words[at]!) >>> 0).toBe(0);
      }
    },
  );

  it("makes bits unstable that it was to clear, and no others", () => {
    for (const fault of [FlashFault.ProgramUnstable, FlashFault.ProgramMarginal]) {
      const { unstable } = torn({ fault, example: 0 });
      let count = 0;
      for (let at = 0; at < PAGE_WORDS; at++) {
        expect((unstable![at]! & ~(before.words[at]! ^ after.words[at]!)) >>> 0).toBe(0);
        if (unstable![at] !== 0) count++;
      }
      expect(count).toBeGreaterThan(0);
    }
  });

  it("is healed by the same program again, but not where an erase did not hold", () => {
    const left = torn({ fault: FlashFault.ProgramUnstable, example: 0 });
    expect(programmed(left, program).unstable).toBeUndefined();
    const blank = tornSector(FlashFault.EraseUnstable, 0)[0]!;
    const written = programmed(blank, { firstWord: 0, words: new Uint32Array(8).fill(0) });
    expect(written.unstable![0]).toBe(~0x12345678 >>> 0);
  });
});

describe("an erase at which power fails", () => {
  it("reads as blank, unstably, where bits had been cleared", () => {
    const page = tornSector(FlashFault.EraseUnstable, 0)[0]!;
    expect(page.words.every((word) => word === 0xffffffff)).toBe(true);
    expect([...page.unstable!.subarray(0, 9)]).toEqual([...new Array(8).fill(~0x12345678 >>> 0), 0]);
  });

  it("may have cleared all bits first", () => {
    expect(tornSector(FlashFault.EraseCleared, 0)[0]!.words.every((word) => word === 0)).toBe(true);
  });

  it("may have come to half of the sector", () => {
    const pages = tornSector(FlashFault.ErasePartial, 0, [before, before, before, before]);
    expect(pages[0]!.words[0]).toBe(0xffffffff);
    expect(pages[3]!.words[0]).toBe(0x12345678);
  });

  it("may be done, or not begun, but for a few bits", () => {
    const bits = (page: FlashPage): number =>
      [...page.unstable!].reduce((sum, word) => sum + word.toString(2).replaceAll("0", "").length, 0);
    for (const [fault, example, words] of [
      [FlashFault.ErasePartial, "begun", before.words],
      [FlashFault.EraseUnstable, "done", erased().words],
    ] as const) {
      const [page] = tornSector(fault, example);
      expect(page!.words).toEqual(words);
      expect(bits(page!)).toBeGreaterThanOrEqual(1);
      expect(bits(page!)).toBeLessThanOrEqual(3);
      for (let at = 0; at < PAGE_WORDS; at++) expect(page!.unstable![at]! & before.words[at]!).toBe(0);
    }
  });
});

it("the same seed leaves the same", () => {
  const leave = (seed: number): Uint32Array =>
    torn({ fault: FlashFault.ProgramSubset, example: 0 }, new SeededRandom(seed)).words;
  expect(leave(1)).toEqual(leave(1));
  expect(leave(1)).not.toEqual(leave(2));
});
