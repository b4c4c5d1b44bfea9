// Random numbers that a printed seed replays: FLIPSIDE_SEED=<seed> npx vitest run apps/server

export const seed = Number(process.env["FLIPSIDE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

export class Random {
  #state: number;

  constructor(from: number) {
    this.#state = from >>> 0;
  }

  /** mulberry32. */
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

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
