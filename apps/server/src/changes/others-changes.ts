// Changes that other servers have stored in the same database. Each member reads the outbox from where it was, in the
// order of commits, as soon as it is told that there is something new, and every second all the same: a word that was
// lost loses no change.

import type { Logger } from "../logging.ts";
import { type Change, rangeOfChanges, readChanges } from "../storage/outbox.ts";
import type { Storage } from "../storage/storage.ts";
import { unguarded } from "../storage/transaction-guard.ts";

const readAtATime = 500;
const lookEveryMs = 1_000;
/** So long after the last look, changes may have been pruned that were not read. */
const prunedAfterMs = 5_000;

export class OthersChanges {
  readonly #storage: Storage;
  readonly #memberId: string;
  readonly #tell: (change: Change, position: number) => void;
  readonly #missed: () => void;
  readonly #log: Logger;
  #position = 0;
  #lookedMs = performance.now();
  #reading: Promise<void> | undefined;
  #isWoken = false;
  #timer: NodeJS.Timeout | undefined;

  /** `missed`: some are gone that were not told. */
  constructor(options: {
    storage: Storage;
    memberId: string;
    tell: (change: Change, position: number) => void;
    missed: () => void;
    log: Logger;
  }) {
    this.#storage = options.storage;
    this.#memberId = options.memberId;
    this.#tell = options.tell;
    this.#missed = options.missed;
    this.#log = options.log;
  }

  /** Tells what comes from now on. Before anything of the database is kept in memory. */
  async start(): Promise<void> {
    this.#position = (await rangeOfChanges(this.#storage.db))?.newest ?? 0;
    this.#timer = setInterval(() => this.wake(), lookEveryMs);
    this.#timer.unref();
  }

  /** There may be something new. */
  wake(): void {
    this.#isWoken = true;
    this.#reading ??= unguarded(() => this.#read())
      .catch((error: unknown) => this.#log.warn({ err: error as Error }, "other servers' changes could not be read"))
      .finally(() => (this.#reading = undefined));
  }

  /** Resolves when all that was committed before is told. */
  async catchUp(): Promise<void> {
    await this.#reading;
    this.#isWoken = true;
    await this.#read();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#reading;
  }

  async #read(): Promise<void> {
    if (performance.now() - this.#lookedMs > prunedAfterMs) await this.#lookForPruned();
    while (this.#isWoken) {
      this.#isWoken = false;
      for (let full = true; full; ) {
        const rows = await readChanges(this.#storage.db, this.#position, readAtATime);
        for (const { change, position, member } of rows) {
          this.#position = position;
          if (member !== this.#memberId) this.#tell(change, position);
        }
        full = rows.length === readAtATime;
      }
    }
    this.#lookedMs = performance.now();
  }

  async #lookForPruned(): Promise<void> {
    const range = await rangeOfChanges(this.#storage.db);
    if (range === undefined || range.oldest <= this.#position + 1) return;
    this.#position = range.oldest - 1;
    this.#missed();
  }
}
