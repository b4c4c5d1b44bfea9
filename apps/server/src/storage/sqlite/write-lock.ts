// Who may write next. SQLite has one writer; inside this process writers take turns here, in the order of asking. When
// another process holds the file, whoever waits for longer than it has patience gives up, at its place in the queue,
// too.

import { StorageBusy } from "../storage-unavailable.ts";

interface Waiter {
  since: number;
  patienceMs: number;
  admit: () => void;
  giveUp: (error: Error) => void;
}

export class WriteLock {
  readonly #waiting: Waiter[] = [];
  #held = false;

  /** Resolves when it is the caller's turn; `release` must follow. Rejects with StorageBusy. */
  acquire(patienceMs: number): Promise<void> {
    if (!this.#held) {
      this.#held = true;
      return Promise.resolve();
    }
    return new Promise((admit, giveUp) => this.#waiting.push({ since: performance.now(), patienceMs, admit, giveUp }));
  }

  /** The same before all who wait, however long it takes. */
  acquireNext(): Promise<void> {
    if (!this.#held) return this.acquire(Infinity);
    return new Promise((admit, giveUp) =>
      this.#waiting.unshift({ since: performance.now(), patienceMs: Infinity, admit, giveUp }),
    );
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held = false;
    else next.admit();
  }

  /** The file has been held by another program since then: turns away who has waited for longer than they would. */
  heldByOthers(since: number): void {
    const now = performance.now();
    for (let at = 0; at < this.#waiting.length; ) {
      const waiter = this.#waiting[at]!;
      if (now - Math.max(since, waiter.since) < waiter.patienceMs) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      waiter.giveUp(new StorageBusy());
    }
  }
}
