// All chance of a rehearsal, from its seed. Each part of the world draws from a stream of its own, so that one that
// draws more does not change what the others meet.

import { createHash } from "node:crypto";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";

export class Random {
  readonly #numbers: SeededRandom;

  constructor(from: number) {
    this.#numbers = new SeededRandom(from);
  }

  /** A stream that belongs to this name; the same for the same seed, whatever was drawn before. */
  static of(seed: number, name: string): Random {
    return new Random(createHash("sha256").update(`${seed} ${name}`).digest().readUInt32LE(0));
  }

  /** From 0 up to, but not, 1. */
  next(): number {
    return this.#numbers.next() / 2 ** 32;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return this.#numbers.below(n);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return this.#numbers.pick(items);
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
