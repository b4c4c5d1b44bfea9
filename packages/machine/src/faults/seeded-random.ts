// Random numbers that a seed replays (mulberry32; Tommy Ettinger). Not for secrets.

export class SeededRandom {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= value < 2^32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 <= value < bound. */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** The seed of this run: from FLIPSIDE_SEED, or made up. Print it. */
export function seedOfRun(): number {
  const given = process.env.FLIPSIDE_SEED;
  if (given !== undefined && given !== "") {
    const seed = Number(given);
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
      throw new RangeError(`FLIPSIDE_SEED=${given}: a whole number from 0 to 4294967295`);
    return seed;
  }
  return (Date.now() ^ (process.pid << 16)) >>> 0;
}
