// Back-off between connection attempts: doubles from `minMs` to `maxMs`; half of each delay is random, so that a
// fleet cut off together doesn't come back together.

export class Backoff {
  private delayMs: u32 = 0;
  private random: u32;

  constructor(seed: u32) {
    this.random = seed | 1; // xorshift never leaves zero
  }

  reset(): void {
    this.delayMs = 0;
  }

  /** Microseconds until the next attempt. */
  nextUs(minMs: u32, maxMs: u32): i64 {
    const doubled = <u64>this.delayMs * 2;
    this.delayMs = <u32>min(max(doubled, <u64>minMs), <u64>maxMs);
    // Marsaglia, "Xorshift RNGs" (2003), the triple 13, 17, 5.
    let random = this.random;
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    this.random = random;
    const spanUs = <u64>this.delayMs * 500;
    return <i64>(spanUs + mulHigh(spanUs, random));
  }
}

/** value * fraction / 2^32, for value < 2^42 */
function mulHigh(value: u64, fraction: u32): u64 {
  return ((value >> 16) * fraction + (((value & 0xffff) * fraction) >> 16)) >> 16;
}
