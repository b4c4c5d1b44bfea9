// Changes that know nothing of a format: bits, boundary numbers in both byte orders, tokens, cut, doubled, moved and
// spliced ranges. Each leaves the draft within its bounds.

import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { Draft } from "./target.ts";

const boundaries = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 2047, 2048, 4095, 4096, 8191,
  8192, 32767, 32768, 65535, 65536, 0x00ffffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffe, 0xffffffff,
];

interface Material {
  random: SeededRandom;
  /** Tokens that formats know. */
  dictionary: readonly Uint8Array[];
  another: Uint8Array;
}

/** Changes the draft at a place in it, or somewhere with what is there. */
type Change = (draft: Draft, at: number, material: Material) => void;

const flipBit: Change = ({ bytes, length }, at, { random }) => {
  if (length > 0) bytes[at]! ^= 1 << random.below(8);
};
const setByte: Change = ({ bytes, length }, at, { random }) => {
  if (length > 0) bytes[at] = random.next();
};
const setBoundary: Change = ({ bytes, length }, at, { random }) => {
  if (length > 0) bytes[at] = random.pick(boundaries);
};
const putNumberAt: Change = (draft, at, { random }) => putNumber(draft, at, random);
/** A little more or less of what is there. */
const addNumberAt: Change = (draft, at, { random }) => addNumber(draft, at, random);
const cut: Change = (draft, at, { random }) => remove(draft, at, 1 + random.below(spread(draft.length - at, random)));
const double: Change = (draft, at, { random }) => {
  const length = 1 + random.below(spread(draft.length - at, random));
  insert(draft, random.below(draft.length + 1), draft.bytes.slice(at, at + length));
};
/** Over something else. */
const copy: Change = (draft, at, { random }) => {
  const length = Math.min(1 + random.below(spread(draft.length - at, random)), draft.length - at);
  if (length > 0) draft.bytes.copyWithin(random.below(draft.length - length + 1), at, at + length);
};
const end: Change = (draft, _, { random }) => {
  draft.length = random.below(draft.length + 1);
};
const insertFilling: Change = (draft, at, { random }) => {
  const piece = new Uint8Array(1 + random.below(random.below(4) === 0 ? 256 : 8)).fill(
    random.pick([0, 0xff, 0x20, random.below(256)]),
  );
  insert(draft, random.below(4) === 0 ? draft.length : at, piece);
};
const putToken: Change = (draft, at, { random, dictionary }) => {
  if (dictionary.length > 0) overOrBetween(draft, at, random.pick(dictionary), random);
};
const putPieceOfAnother: Change = (draft, at, { random, another }) => {
  if (another.length === 0) return;
  const from = random.below(another.length);
  const piece = another.subarray(from, from + 1 + random.below(spread(another.length - from, random)));
  overOrBetween(draft, at, piece, random);
};
/** Head of this, tail of another. */
const splice: Change = (draft, at, { random, another }) => {
  const from = random.below(another.length + 1);
  const tail = another.subarray(from, from + draft.bytes.length - at);
  draft.bytes.set(tail, at);
  draft.length = at + tail.length;
};

/** As often as they are named. A seed replays by these places. */
const changes: readonly Change[] = [
  ...[flipBit, flipBit, setByte, setBoundary],
  ...[putNumberAt, putNumberAt, putNumberAt, addNumberAt],
  ...[cut, double, copy, end],
  ...[insertFilling, putToken, putPieceOfAnother, splice],
];

export function mutate(
  draft: Draft,
  random: SeededRandom,
  dictionary: readonly Uint8Array[],
  another: Uint8Array,
): void {
  const at = random.below(Math.max(1, draft.length));
  random.pick(changes)(draft, at, { random, dictionary, another });
}

function overOrBetween(draft: Draft, at: number, piece: Uint8Array, random: SeededRandom): void {
  if (random.below(2) === 0) insert(draft, at, piece);
  else if (at + piece.length <= draft.length) draft.bytes.set(piece, at);
}

/** Mostly short ranges. */
function spread(most: number, random: SeededRandom): number {
  return Math.max(1, random.below(3) === 0 ? most : Math.min(most, 16));
}

/** At the end, if the place lies behind that: a draft may have become shorter since the place was chosen. */
export function insert(draft: Draft, place: number, piece: Uint8Array): void {
  const at = Math.min(place, draft.length);
  const length = Math.min(piece.length, draft.bytes.length - draft.length);
  draft.bytes.copyWithin(at + length, at, draft.length);
  draft.bytes.set(piece.subarray(0, length), at);
  draft.length += length;
}

export function remove(draft: Draft, at: number, length: number): void {
  const count = Math.min(length, draft.length - at);
  draft.bytes.copyWithin(at, at + count, draft.length);
  draft.length -= count;
}

function putNumber(draft: Draft, at: number, random: SeededRandom): void {
  const width = random.pick([2, 4, 4]);
  if (draft.length < width) return;
  const place = Math.min(at, draft.length - width);
  const aligned = random.below(2) === 0 ? place & ~(width - 1) : place;
  // Lengths are what formats lie about: now and then one that has to do with this input.
  const value = random.below(3) === 0 ? draft.length + random.below(9) - 4 : random.pick(boundaries);
  write(draft.bytes, aligned, width, value, random.below(2) === 0);
}

function addNumber(draft: Draft, at: number, random: SeededRandom): void {
  const width = random.pick([1, 2, 4]);
  if (draft.length < width) return;
  const place = Math.min(at, draft.length - width);
  const littleEndian = random.below(2) === 0;
  let value = 0;
  for (let i = 0; i < width; i++) value += draft.bytes[place + (littleEndian ? i : width - 1 - i)]! * 2 ** (8 * i);
  write(draft.bytes, place, width, value + random.below(33) - 16, littleEndian);
}

export function write(bytes: Uint8Array, at: number, width: number, value: number, littleEndian: boolean): void {
  for (let i = 0; i < width; i++) bytes[at + (littleEndian ? i : width - 1 - i)] = value / 2 ** (8 * i);
}
