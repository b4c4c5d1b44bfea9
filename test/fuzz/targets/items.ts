// Inputs that are a list: of frames on a line, of messages. One item: u8 kind, u8 what is put right, u16 length
// (little-endian), bytes. The last may be shorter than it says.

import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { insert, remove } from "../engine/mutate.ts";
import type { Draft } from "../engine/target.ts";

const PREFIX_BYTES = 4;

export interface Item {
  at: number;
  end: number;
  kind: number;
  put: number;
  bytes: Uint8Array;
}

export function itemsIn(input: Uint8Array, from: number): Item[] {
  const items: Item[] = [];
  for (let at = from; at + PREFIX_BYTES <= input.length; ) {
    const end = Math.min(at + PREFIX_BYTES + (input[at + 2]! | (input[at + 3]! << 8)), input.length);
    items.push({ at, end, kind: input[at]!, put: input[at + 1]!, bytes: input.subarray(at + PREFIX_BYTES, end) });
    at = end;
  }
  return items;
}

export function item(kind: number, put: number, bytes: ArrayLike<number>): Uint8Array {
  return Uint8Array.from([kind, put, bytes.length & 255, bytes.length >> 8, ...Array.from(bytes)]);
}

/** Little-endian. */
export const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
export const joined = (...parts: ArrayLike<number>[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => Array.from(part)));

/** The draft's items, which may be changed in place. */
export const itemsOf = (draft: Draft, from: number): Item[] => itemsIn(draft.bytes.subarray(0, draft.length), from);

/** Puts something else where an item is; its length follows. */
export function replaceItem(draft: Draft, { at, end }: Item, by: Uint8Array): void {
  remove(draft, at, end - at);
  insert(draft, at, by);
}

/** Items go, come again, change places. */
export function shuffleItems(draft: Draft, from: number, random: SeededRandom): void {
  const items = itemsOf(draft, from);
  if (items.length === 0) return;
  const chosen = random.pick(items);
  const piece = draft.bytes.slice(chosen.at, chosen.end);
  switch (random.below(3)) {
    case 0:
      return remove(draft, chosen.at, chosen.end - chosen.at);
    case 1:
      return insert(draft, random.pick(items).at, piece);
    default:
      remove(draft, chosen.at, chosen.end - chosen.at);
      return insert(draft, random.pick([from, ...itemsOf(draft, from).map(({ end }) => end)]), piece);
  }
}
