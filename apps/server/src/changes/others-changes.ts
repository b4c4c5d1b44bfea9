// Changes that servers have stored in one database. Each member reads the outbox from where it was, as soon as it is
// told that there is something new, and every second all the same: a word that was lost loses no change.
//
// Positions come from a sequence, which knows no commits: a lower one may be committed after a higher one. What is
// there is told at once; up to which position nothing can come any more is known when all transactions have ended that
// were under way as it was reached. What lies behind that *settled* position is looked through again.

import type { Logger } from "../logging.ts";
import { type Change, rangeOfChanges, readChanges, transactionsUnderWay } from "../storage/outbox.ts";
import type { Storage } from "../storage/storage.ts";
import { unguarded } from "../storage/transaction-guard.ts";

const readAtATime = 500;
const lookEveryMs = 1_000;
const unsettledAtStart = 1_000;
/** So long after the last look, changes may have been pruned that were not read. */
const prunedAfterMs = 5_000;

export class OthersChanges {
  readonly #storage: Storage;
  readonly #memberId: string;
  readonly #tell: (change: Change, position: number) => void;
  readonly #missed: () => void;
  readonly #log: Logger;
  /** The highest that was told. */
  #newest = 0;
  #settled = 0;
  /** Positions that were told and are not settled. */
  readonly #told = new Set<number>();
  /** What had been reached, and the number of the next transaction then; oldest first. */
  readonly #reached: { position: number; next: number }[] = [];
  #lookedMs = performance.now();
  /** One reads at a time: what one settles, another that has read it before would tell once more. */
  #line: Promise<unknown> = Promise.resolve();
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
    this.#newest = (await rangeOfChanges(this.#storage.db))?.newest ?? 0;
    // Lower ones may still come of transactions that are under way.
    this.#settled = Math.max(0, this.#newest - unsettledAtStart);
    for (let at = this.#settled, full = true; full; ) {
      const rows = await readChanges(this.#storage.db, at, readAtATime);
      for (const { position } of rows) if (position <= this.#newest) this.#told.add(position);
      at = rows.at(-1)?.position ?? at;
      full = rows.length === readAtATime;
    }
    this.#timer = setInterval(() => this.wake(), lookEveryMs);
    this.#timer.unref();
  }

  /** There may be something new. */
  wake(): void {
    this.#isWoken = true;
    this.#reading ??= this.#inLine(() => unguarded(() => this.#read()))
      .catch((error: unknown) => this.#log.warn({ err: error as Error }, "other servers' changes could not be read"))
      .finally(() => (this.#reading = undefined));
  }

  /** Up to here, nothing can come any more. */
  get settled(): number {
    return this.#settled;
  }

  /** Resolves when all that was committed before is told. */
  catchUp(): Promise<void> {
    return this.#inLine(() => this.#readAll());
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#line;
  }

  #inLine(read: () => Promise<void>): Promise<void> {
    const done = this.#line.then(read);
    this.#line = done.catch(() => {});
    return done;
  }

  async #read(): Promise<void> {
    while (this.#isWoken) {
      this.#isWoken = false;
      // Somebody's long transaction keeps much unsettled: that is looked through once a second, and not at each word.
      const isLong = this.#newest - this.#settled > readAtATime;
      if (isLong && performance.now() - this.#lookedMs < lookEveryMs) await this.#tellFrom(this.#newest);
      else await this.#readAll();
    }
  }

  async #readAll(): Promise<void> {
    if (performance.now() - this.#lookedMs > prunedAfterMs) await this.#lookForPruned();
    const { oldest } = await transactionsUnderWay(this.#storage.db);
    await this.#tellFrom(this.#settled);
    // Asked after the reading: whoever has a position up to there and is not seen yet has begun by now.
    const { next } = await transactionsUnderWay(this.#storage.db);
    if (this.#newest > (this.#reached.at(-1)?.position ?? -1)) this.#reached.push({ position: this.#newest, next });
    this.#settle(oldest);
    this.#lookedMs = performance.now();
  }

  async #tellFrom(after: number): Promise<void> {
    for (let at = after, full = true; full; ) {
      const rows = await readChanges(this.#storage.db, at, readAtATime);
      for (const { change, position, member } of rows) {
        at = position;
        this.#newest = Math.max(this.#newest, position);
        if (this.#told.has(position)) continue;
        this.#told.add(position);
        if (member !== this.#memberId) this.#tell(change, position);
      }
      full = rows.length === readAtATime;
    }
  }

  /** `oldest`: transactions with a lower number had ended before the last reading. */
  #settle(oldest: number): void {
    let settled = this.#settled;
    while (this.#reached.length > 0 && this.#reached[0]!.next <= oldest) settled = this.#reached.shift()!.position;
    if (settled === this.#settled) return;
    this.#settled = settled;
    for (const position of this.#told) if (position <= settled) this.#told.delete(position);
  }

  async #lookForPruned(): Promise<void> {
    const range = await rangeOfChanges(this.#storage.db);
    if (range === undefined || range.oldest <= this.#newest + 1) return;
    this.#newest = this.#settled = range.oldest - 1;
    this.#told.clear();
    this.#missed();
  }
}
