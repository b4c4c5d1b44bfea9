// Limits failed sign-ins by the address that they come from. Not by user name: that would let anybody lock an operator
// out. An attempt counts as failed from its beginning, so that many at once are no way around.

const failuresMax = 10;
const windowMs = 60_000;
const addressesMax = 10_000;

export class AttemptLimiter {
  readonly #now: () => number;
  readonly #windows = new Map<string, { since: number; failures: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Seconds to wait, or undefined when the attempt may go on; then `end` must follow. */
  begin(address: string): number | undefined {
    const now = this.#now();
    let window = this.#windows.get(address);
    if (window === undefined || now - window.since >= windowMs) {
      this.#windows.delete(address);
      if (this.#windows.size >= addressesMax) this.#windows.delete(this.#windows.keys().next().value!);
      window = { since: now, failures: 0 };
      this.#windows.set(address, window);
    }
    if (window.failures >= failuresMax) return Math.max(1, Math.ceil((window.since + windowMs - now) / 1000));
    window.failures++;
    return undefined;
  }

  end(address: string, succeeded: boolean): void {
    const window = this.#windows.get(address);
    if (succeeded && window !== undefined && window.failures > 0) window.failures--;
  }
}
