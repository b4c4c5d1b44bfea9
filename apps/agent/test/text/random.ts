// Seeded random numbers. The seed is printed; FLIPSIDE_SEED replays it.

export class Random {
  readonly seed: number;
  private state: number;

  constructor(what: string) {
    this.seed = process.env.FLIPSIDE_SEED ? Number(process.env.FLIPSIDE_SEED) >>> 0 : (Math.random() * 2 ** 32) >>> 0;
    this.state = this.seed;
    console.log(`${what}: FLIPSIDE_SEED=${this.seed}`);
  }

  /** mulberry32 */
  u32(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 .. limit - 1 */
  below(limit: number): number {
    return Math.floor((this.u32() / 2 ** 32) * limit);
  }

  chance(probability: number): boolean {
    return this.u32() / 2 ** 32 < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}
