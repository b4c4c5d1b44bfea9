// All chance of a rehearsal, from its seed. Each part of the world draws from a stream of its own, so that one that
// draws more does not change what the others meet.

import { createHash } from "node:crypto";

export class Random {
  #state: number;

  constructor(from: number) {
    this.#state = from >>> 0;
  }

  /** A stream that belongs to this name; the same for the same seed, whatever was drawn before. */
  static of(seed: number, name: string): Random {
    return new Random(createHash("sha256").update(`${seed} ${name}`).digest().readUInt32LE(0));
  }

  /** From 0 up to, but not, 1: mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Some of these, in an order of chance. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items];
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(this.below(left.length), 1)[0]!);
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = this.below(256);
    return bytes;
  }
}
