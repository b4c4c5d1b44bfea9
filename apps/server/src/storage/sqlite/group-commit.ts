// Transactions that end in a few turns of the event loop are committed together: a commit is a sync of the disk, and a
// server of many devices does little else but wait for those.
//
// Each is a savepoint of one transaction of SQLite, so one that fails takes nothing of the others with it. It ends when
// that transaction is committed, not before: nobody hears of what a power cut could take back. Should the commit fail,
// or SQLite roll all of it back (SQLITE_FULL, SQLITE_IOERR), all of them have failed: each may rest on what those
// before it have written.

import type { Database } from "@flipside/processes/sqlite";
import { StorageUnavailable } from "../storage-unavailable.ts";
import type { WriteLock } from "./write-lock.ts";

/** After so long no other one joins, so that the event loop has a turn, and other programs have one at the file. */
const groupMsMax = 10;
/** Of the event loop: where nothing else is to be done they pass at once. */
const turnsMax = 4;

class GroupRolledBack extends StorageUnavailable {
  constructor() {
    super(
      "SQLite has rolled back a transaction, and with it those that were to be committed together with it",
      "The database could not be written. Nothing of this was stored; try again in a moment.",
    );
  }
}

interface Member {
  stored: () => void;
  failed: (error: unknown) => void;
}

export class GroupCommit {
  readonly #writer: Database;
  readonly #lock: WriteLock;
  /** Runs a statement again while another program holds the file. */
  readonly #patiently: <T>(work: () => T, patienceMs: number) => Promise<T>;
  /** Of the most patient one of those that have joined. */
  #patienceMs = 0;
  /** Those that have ended, in their order. */
  #members: Member[] = [];
  #isOpen = false;
  #openedMs = 0;
  /** A turn of the event loop will commit it. */
  #isDue = false;
  /** That turn has come, and waits for the one who writes. */
  #isInLine = false;
  /** The last one to leave had the lock and has given it to nobody. */
  #keepsLock = false;

  readonly #nowMs: () => number;

  constructor(
    writer: Database,
    lock: WriteLock,
    patiently: <T>(work: () => T, patienceMs: number) => Promise<T>,
    nowMs = (): number => performance.now(),
  ) {
    this.#writer = writer;
    this.#lock = lock;
    this.#patiently = patiently;
    this.#nowMs = nowMs;
  }

  /** Behind the lock, which the caller keeps: what it writes from now on belongs to the group. */
  async join(patienceMs: number): Promise<void> {
    this.#patienceMs = Math.max(this.#patienceMs, patienceMs);
    if (this.#isOpen) return;
    await this.#patiently(() => this.#writer.exec("begin immediate"), patienceMs);
    this.#isOpen = true;
    this.#patienceMs = patienceMs;
    this.#openedMs = this.#nowMs();
  }

  /** The caller has written all that it wanted to; the lock is the next one's. Resolves when it is committed. */
  leave(): Promise<void> {
    const committed = new Promise<void>((stored, failed) => this.#members.push({ stored, failed }));
    this.#passOn();
    return committed;
  }

  /** The caller has taken back what it has written, or could not write; the lock is the next one's. */
  leaveWithout(): void {
    // SQLite has rolled back all of it by itself.
    if (this.#isOpen && !this.#writer.inTransaction) this.#fail(new GroupRolledBack());
    this.#passOn();
  }

  /** Behind the lock: commits what there is. Never rejects: those that it concerns are told. */
  async commit(): Promise<void> {
    if (!this.#isOpen) return;
    try {
      await this.#patiently(() => this.#writer.exec("commit"), this.#patienceMs);
    } catch (error) {
      if (this.#writer.inTransaction) this.#writer.exec("rollback");
      this.#fail(error);
      return;
    }
    this.#isOpen = false;
    for (const { stored } of this.#members.splice(0)) stored();
  }

  #fail(error: unknown): void {
    this.#isOpen = false;
    for (const { failed } of this.#members.splice(0)) failed(error);
  }

  /** The group is committed in the next turn of the event loop, and who may still join has the lock until then. */
  #passOn(): void {
    if (!this.#isOpen) return this.#lock.release();
    if (!this.#isDue) {
      this.#isDue = true;
      setImmediate(() => this.#lookAgain(turnsMax));
    }
    const isFull = this.#nowMs() - this.#openedMs >= groupMsMax;
    if (isFull && !this.#isInLine) this.#keepsLock = true;
    else this.#lock.release();
  }

  /** More turns bring more messages, and a sync of the disk is paid once for all of them. */
  #lookAgain(turns: number): void {
    const isOver = turns <= 1 || performance.now() - this.#openedMs >= groupMsMax;
    if (isOver) void this.#commitInTurn();
    else setImmediate(() => this.#lookAgain(turns - 1));
  }

  async #commitInTurn(): Promise<void> {
    if (!this.#keepsLock) {
      this.#isInLine = true;
      await this.#lock.acquireNext();
      this.#isInLine = false;
    }
    this.#keepsLock = false;
    this.#isDue = false;
    await this.commit();
    this.#lock.release();
  }
}
