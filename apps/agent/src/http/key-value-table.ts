// Keys and values in RAM: a fixed number of places of a fixed size. What is kept here is gone with the next reset.
//
// A value is written into a place that nobody reads, and becomes the key's when it has come whole: a client that goes
// away in the middle changes nothing.

import { compareBytes } from "../compare";

/** Of a key. */
export const KEY_BYTES_MAX: u32 = 64;
/** A key that is not there, or no place that is free. */
export const NO_PLACE: u32 = u32.MAX_VALUE;

namespace Use {
  export const Free: u8 = 0;
  export const BeingWritten: u8 = 1;
  export const Kept: u8 = 2;
}

export class KeyValueTable {
  private keys: usize;
  private values: usize;
  private keyBytes: StaticArray<u8>;
  private valueBytes: StaticArray<u32>;
  private uses: StaticArray<u8>;
  private kept: u32 = 0;
  /** Whether the key of the last `keep` was not there before. */
  isNew: bool = false;

  /** `writers`: values that may come at the same time; they have places besides those of `entriesMax` keys. */
  constructor(
    readonly entriesMax: u32,
    readonly valueBytesMax: u32,
    writers: u32,
  ) {
    const places = <i32>(entriesMax + writers);
    this.keys = heap.alloc(places * KEY_BYTES_MAX);
    this.values = heap.alloc(places * valueBytesMax);
    this.keyBytes = new StaticArray<u8>(places);
    this.valueBytes = new StaticArray<u32>(places);
    this.uses = new StaticArray<u8>(places);
  }

  places(): u32 {
    return <u32>this.uses.length;
  }

  count(): u32 {
    return this.kept;
  }

  isKept(place: u32): bool {
    return unchecked(this.uses[place]) == Use.Kept;
  }

  key(place: u32): usize {
    return this.keys + place * KEY_BYTES_MAX;
  }

  bytesOfKey(place: u32): u32 {
    return unchecked(this.keyBytes[place]);
  }

  value(place: u32): usize {
    return this.values + place * this.valueBytesMax;
  }

  bytesOfValue(place: u32): u32 {
    return unchecked(this.valueBytes[place]);
  }

  /** The place of a key, or NO_PLACE. */
  find(key: usize, length: u32): u32 {
    for (let i: u32 = 0; i < this.places(); ++i) {
      if (this.isKept(i) && this.bytesOfKey(i) == length && compareBytes(this.key(i), key, length) == 0) return i;
    }
    return NO_PLACE;
  }

  placesBeingWritten(): u32 {
    let count: u32 = 0;
    for (let i: u32 = 0; i < this.places(); ++i) if (unchecked(this.uses[i]) == Use.BeingWritten) ++count;
    return count;
  }

  /** A place to write a value of this key into, or NO_PLACE: the table is full. `keep` or `abandon` must follow. */
  begin(key: usize, length: u32): u32 {
    if (this.kept >= this.entriesMax && this.find(key, length) == NO_PLACE) return NO_PLACE;
    for (let i: u32 = 0; i < this.places(); ++i) {
      if (unchecked(this.uses[i]) != Use.Free) continue;
      unchecked((this.uses[i] = Use.BeingWritten));
      unchecked((this.keyBytes[i] = <u8>length));
      memory.copy(this.key(i), key, length);
      return i;
    }
    return NO_PLACE;
  }

  abandon(place: u32): void {
    unchecked((this.uses[place] = Use.Free));
  }

  /**
   * The value has come whole. False: others have taken the last place since, and the place is given up.
   */
  keep(place: u32, valueBytes: u32): bool {
    const old = this.find(this.key(place), this.bytesOfKey(place));
    this.isNew = old == NO_PLACE;
    if (old != NO_PLACE) unchecked((this.uses[old] = Use.Free));
    else if (this.kept >= this.entriesMax) {
      this.abandon(place);
      return false;
    } else ++this.kept;
    unchecked((this.valueBytes[place] = valueBytes));
    unchecked((this.uses[place] = Use.Kept));
    return true;
  }

  remove(place: u32): void {
    unchecked((this.uses[place] = Use.Free));
    --this.kept;
  }
}
