// The hardware watchdog. It stands outside of what it watches: in worker devices in the parent's thread, which the
// device's endless loop can't stop. A pet only notes the time in shared memory, so that it costs no message; the
// watcher looks when the time could be up at the earliest.

import type { HostClock } from "./clock.ts";

export const WATCHDOG_CELL_BYTES = 8;

/** The device's end. */
export interface WatchdogLine {
  arm(timeoutMs: number): void;
  pet(): void;
  /** At a reset: the boot loader arms it anew. */
  disarm(): void;
}

/** When it was last petted, where both threads see it. */
export class WatchdogCell {
  readonly #cell: BigInt64Array;

  constructor(buffer: ArrayBufferLike) {
    this.#cell = new BigInt64Array(buffer);
  }

  get pettedUs(): number {
    return Number(Atomics.load(this.#cell, 0));
  }

  set pettedUs(us: number) {
    Atomics.store(this.#cell, 0, BigInt(Math.trunc(us)));
  }
}

export class HardwareWatchdog implements WatchdogLine {
  readonly #cell: WatchdogCell;
  readonly #clock: HostClock;
  readonly #onExpiry: () => void;
  #timeoutMs = 0;
  #cancel: (() => void) | undefined;

  constructor(cell: WatchdogCell, clock: HostClock, onExpiry: () => void) {
    this.#cell = cell;
    this.#clock = clock;
    this.#onExpiry = onExpiry;
  }

  arm(timeoutMs: number): void {
    this.disarm();
    this.#timeoutMs = timeoutMs;
    this.pet();
    this.#look();
  }

  pet(): void {
    this.#cell.pettedUs = this.#clock.nowUs();
  }

  disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    const leftUs = this.#cell.pettedUs + this.#timeoutMs * 1000 - this.#clock.nowUs();
    if (leftUs > 0) {
      this.#cancel = this.#clock.after(leftUs, () => this.#look());
      return;
    }
    this.#cancel = undefined;
    this.#onExpiry();
  }
}
