// A link that loses, repeats, reorders, cuts and corrupts frames, by a seed: the same seed does the same again.

/** xorshift128+ would do; mulberry32 is shorter and good enough to choose faults. */
export class Random {
  constructor(private state: number) {}

  /** 0 .. 2^32 - 1 */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }
  /** 0 .. n - 1 */
  below(n: number): number {
    return Math.floor((this.next() / 2 ** 32) * n);
  }
  chance(probability: number): boolean {
    return this.next() < probability * 2 ** 32;
  }
  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; ++i) bytes[i] = this.next() & 255;
  }
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }
}

/** FLIPSIDE_SEED replays a run; printed so that it can. */
export function seedOf(test: string): number {
  const given = process.env["FLIPSIDE_SEED"];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  console.log(`${test}: FLIPSIDE_SEED=${seed}`);
  return seed;
}

export interface Faults {
  loss?: number;
  duplicate?: number;
  reorder?: number;
  truncate?: number;
  corrupt?: number;
}

/** What arrives of one frame: none, one or two frames, each late by `delayUs`. */
export function injure(frame: Uint8Array, faults: Faults, random: Random): { frame: Uint8Array; delayUs: number }[] {
  const arrivals: { frame: Uint8Array; delayUs: number }[] = [];
  const copies = random.chance(faults.duplicate ?? 0) ? 2 : 1;
  for (let i = 0; i < copies; ++i) {
    if (random.chance(faults.loss ?? 0)) continue;
    let bytes = frame.slice();
    if (random.chance(faults.truncate ?? 0)) bytes = bytes.slice(0, random.below(bytes.length));
    // One bit: the Internet checksum finds it for certain, so a byte that differs at the end is the stack's fault.
    if (bytes.length > 0 && random.chance(faults.corrupt ?? 0))
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    arrivals.push({ frame: bytes, delayUs: random.chance(faults.reorder ?? 0) ? 500 + random.below(8000) : 0 });
  }
  return arrivals;
}
