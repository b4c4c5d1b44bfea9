// One list of fault classes, and one sampler: each way in which it leaves an operation is what the class that it names
// may leave; and the tears of the driver's C are some of them.

import { describe, expect, test } from "vitest";
import { FlashFault } from "@flipside/machine/faults/flash-fault";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { type FlashPage, PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { allWays, applyTorn, tears, tornPages, wayOf } from "@flipside/machine/faults/torn-operation";

const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);

const HURT_BITS_MAX = 8;
const CASES = 60;
const page = (random: SeededRandom): Uint8Array =>
  Uint8Array.from({ length: PAGE_BYTES }, (_, i) => (i % 5 === 0 ? 0xff : random.next() & 0xff));
const bits = (value: number): number => value.toString(2).replaceAll("0", "").length;

/** Bits that are 1 in `a` and 0 in `b`, all together. */
const lost = (a: Uint8Array, b: Uint8Array): number => a.reduce((sum, byte, i) => sum + bits(byte & ~b[i]! & 0xff), 0);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** A page: what it read as, what the operation would have made of it, what was left; and the operation's own bytes. */
interface Torn {
  before: Uint8Array;
  goal: Uint8Array;
  after: Uint8Array;
  own: { from: number; to: number };
}

function mayLeave(fault: FlashFault, { before, goal, after, own }: Torn): boolean {
  const inside = (bytes: Uint8Array): Uint8Array => bytes.subarray(own.from, own.to);
  const outside = (bytes: Uint8Array): Uint8Array =>
    Buffer.concat([bytes.subarray(0, own.from), bytes.subarray(own.to)]);
  const isAlone = same(outside(before), outside(after));
  switch (fault) {
    case FlashFault.NotBegun:
      return same(before, after);
    case FlashFault.Complete:
    case FlashFault.ProgramUnstable:
      return same(goal, after);
    case FlashFault.ProgramMarginal:
      return same(goal, after) || same(before, after);
    case FlashFault.ProgramPrefix: {
      const end = inside(after).findLastIndex((byte, i) => byte !== inside(before)[i]) + 1;
      return isAlone && same(inside(after).subarray(0, end), inside(goal).subarray(0, end));
    }
    case FlashFault.ProgramSubset:
      return isAlone && lost(after, before) === 0 && lost(goal, after) === 0;
    case FlashFault.ProgramCollateral: {
      const hurt = lost(outside(before), outside(after)) + lost(outside(after), outside(before));
      // The draw may also hit what was just programmed, and clears it further.
      return lost(inside(after), inside(goal)) === 0 && hurt + lost(inside(goal), inside(after)) <= HURT_BITS_MAX;
    }
    case FlashFault.EraseCleared:
      return lost(after, before) === 0;
    case FlashFault.ErasePartial:
      return lost(before, after) === 0;
    case FlashFault.EraseUnstable:
      return after.every((byte) => byte === 0xff);
    case FlashFault.EraseCollateral:
      return lost(goal, after) <= HURT_BITS_MAX;
  }
}

interface Planned {
  operation: FlashOperation;
  goal: Uint8Array;
}

function operationOn(kind: "program" | "erase", before: Uint8Array, random: SeededRandom): Planned {
  const erased = new Uint8Array(PAGE_BYTES).fill(0xff);
  if (kind === "erase") return { operation: { kind, offset: 0, length: PAGE_BYTES }, goal: erased };
  const length = 4 * (2 + random.below(200));
  const offset = 4 * random.below((PAGE_BYTES - length) / 4);
  const data = Uint8Array.from({ length }, () => random.next() & 0xff);
  const goal = before.slice();
  data.forEach((byte, i) => (goal[offset + i] = goal[offset + i]! & byte));
  return { operation: { kind, offset, length, data }, goal };
}

const kinds = ["program", "erase"] as const;
const rangeOf = ({ offset, length }: FlashOperation): Torn["own"] => ({ from: offset, to: offset + length });

describe.each(kinds)("an operation of kind %s", (kind) => {
  test.each(tears)("that is torn, %s, leaves what its fault class may leave", (tear) => {
    const random = new SeededRandom(seed ^ tears.indexOf(tear));
    let changed = 0;
    for (let n = 0; n < CASES; n++) {
      const before = page(random);
      const { operation, goal } = operationOn(kind, before, random);
      const after = before.slice();
      applyTorn(after, operation, tear, new SeededRandom(random.next()));
      expect(mayLeave(wayOf[tear][kind].fault, { before, goal, after, own: rangeOf(operation) }), `case ${n}`).toBe(
        true,
      );
      if (!same(before, after)) changed++;
    }
    expect(changed > 0).toBe(tear !== "nothing");
  });

  test.each(allWays[kind])("that is left as $name is what its fault class may leave", (way) => {
    const random = new SeededRandom(seed ^ allWays[kind].indexOf(way));
    for (let i = 0; i < CASES; i++) {
      const bytes = page(random);
      const { operation, goal } = operationOn(kind, bytes, random);
      const before: FlashPage = { words: new Uint32Array(bytes.slice().buffer) };
      const leaves = { ...wayOf.nothing, [kind]: way };
      const [left] = tornPages([before], operation, leaves, new SeededRandom(random.next()));
      const after = new Uint8Array(left!.words.slice().buffer);
      expect(mayLeave(way.fault, { before: bytes, goal, after, own: rangeOf(operation) }), `case ${i}`).toBe(true);
      // Weak bits are unstable ones, and what is unstable is what the operation was to change.
      const goalWords = new Uint32Array(goal.slice().buffer);
      const { unstable = new Uint32Array(0), weak = unstable } = left!;
      const isRight = unstable.every(
        (bits, at) => (bits & ~(before.words[at]! ^ goalWords[at]!)) === 0 && (weak[at]! & ~bits) === 0,
      );
      expect(isRight, `case ${i}`).toBe(true);
    }
  });
});

test("every class is left by some way, and every way has a name of its own", () => {
  const each = kinds.flatMap((kind) => allWays[kind].map(({ fault }) => fault));
  const all = Object.values(FlashFault).filter((value) => typeof value === "number");
  expect([...new Set(each)].sort((a, b) => a - b)).toEqual(all);
  for (const kind of kinds) expect(new Set(allWays[kind].map(({ name }) => name)).size).toBe(allWays[kind].length);
});
