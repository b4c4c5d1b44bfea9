// The database, wrapped once: how it is opened, how transactions run, and what happens after they are committed. Two
// dialects: SQLite in a file (sqlite/), PostgreSQL at an address (postgres/).
//
// In SQLite writers take turns: while a transaction is open, others wait. So work inside one awaits queries on its own
// handle only: awaiting the network there would hold up everybody, a write on `storage.db` would wait for the
// transaction that waits for it, and a read there would not see what the transaction has done. In PostgreSQL
// transactions run beside each other, each statement sees what was committed before it (READ COMMITTED), and so what is
// read to be changed is read `forUpdate`, which SQLite does without. One that meets another, or a connection that was
// lost before the commit, is run again as a whole: the function that is given to `transaction` does nothing outside of
// the database.
//
// What others should hear of is handed to `changed` (outbox.ts), the rest that happens outside to `afterCommit`, since
// nobody may hear of what is not stored yet.

import { Kysely, type LogEvent, Migrator, type Transaction } from "kysely";
import { migrations } from "./migrations/history.ts";
import type { OpenDialect, SharedDatabase } from "./open-dialect.ts";
import { type Change, type StoredChange, writeChanges } from "./outbox.ts";
import { patienceMsDefault } from "./patience.ts";
import { openPostgres } from "./postgres/open.ts";
import type { Schema } from "./schema.ts";
import { openVault, SealingPlugin, type Vault } from "./secrets-at-rest.ts";
import { openSqlite } from "./sqlite/open.ts";
import { checkGuard, unguarded } from "./transaction-guard.ts";

/** A file of SQLite's, or the address of a PostgreSQL database. */
export type StoragePlace = { file: string } | { url: string };

export interface StorageOptions {
  /** Faults that no work of anybody's meets: a hook's, an idle connection's. */
  onError: (error: unknown) => void;
  /** 32 bytes: secrets-at-rest.ts. */
  secretKey?: Uint8Array | undefined;
  /** This server's id among those that use the database together; undefined: it uses it alone. */
  memberId?: string | undefined;
  /** Is told of every statement; for tests that count them. */
  onStatement?: ((event: LogEvent) => void) | undefined;
}

/** A read or write handle: the database itself, or the transaction that is open. */
export type Queries = Kysely<Schema> | Transaction<Schema>;

export interface Work {
  readonly db: Transaction<Schema>;
  /** Noted in the transaction, and told to those who follow (changes/feed.ts) once it is committed. */
  changed(change: Change): void;
  /** Runs `hook` once the transaction is committed, in the order of calls; never when it is rolled back. */
  afterCommit(hook: () => void): void;
}

/** What is one for the database, whoever uses it. */
interface Shared {
  dialect: OpenDialect;
  /** Uses it with this patience. */
  connect: (patienceMs: number) => Kysely<Schema>;
  /** Of this server, among those that use the database together. */
  memberId: string | undefined;
  onError: (error: unknown) => void;
  told: (changes: readonly StoredChange[]) => void;
  /** Resolves when the changes that were written last are published: so they are told in the order of commits. */
  publishing: Promise<void>;
}

export class Storage {
  readonly db: Kysely<Schema>;
  readonly #shared: Shared;

  private constructor(db: Kysely<Schema>, shared: Shared) {
    this.db = db;
    this.#shared = shared;
  }

  /** Opens the database, creating and migrating it as needed. Throws when it is none, or newer than this program. */
  static async open(place: StoragePlace, options: StorageOptions): Promise<Storage> {
    const { onError, secretKey, memberId, onStatement } = options;
    const dialect = "url" in place ? await openPostgres(place.url, onError, memberId) : openSqlite(place.file);
    const connect = (patienceMs: number): Kysely<Schema> =>
      new Kysely<Schema>({
        dialect: dialect.kysely(patienceMs),
        ...(onStatement === undefined ? {} : { log: onStatement }),
      });
    const db = connect(patienceMsDefault);
    let vault: Vault | undefined;
    try {
      const { error } = await new Migrator({ db, provider: migrations(dialect.types) }).migrateToLatest();
      if (error !== undefined) throw error;
      vault = await openVault(db, secretKey, {
        isAlone: async () => (await dialect.shared?.isBesideOthers()) !== true,
        scrub: (tables) => dialect.scrub(db, tables),
      });
    } catch (error) {
      await db.destroy();
      throw error;
    }
    const sealing = (db: Kysely<Schema>): Kysely<Schema> =>
      vault === undefined ? db : db.withPlugin(new SealingPlugin(vault));
    return new Storage(sealing(db), {
      dialect,
      connect: (patienceMs) => sealing(connect(patienceMs)),
      memberId,
      onError,
      told: () => {},
      publishing: Promise.resolve(),
    });
  }

  /** Keeps so many positions of deployments, in the transaction that will use them; says the first one. */
  reservePositions(db: Queries, count: number): Promise<number> {
    return this.#shared.dialect.reserve(db, "deployments", "position", count);
  }

  get dialectName(): OpenDialect["name"] {
    return this.#shared.dialect.name;
  }

  /** Of a database that several servers use together. */
  get shared(): SharedDatabase | undefined {
    return this.#shared.dialect.shared;
  }

  /** Who is told of changes once they are committed. */
  onCommitted(told: (changes: readonly StoredChange[]) => void): void {
    this.#shared.told = told;
  }

  /** Resolves when all that was written so far is told, or was rolled back. */
  get published(): Promise<void> {
    return this.#shared.publishing;
  }

  async transaction<T>(work: (work: Work) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#try(work);
      } catch (error) {
        if (!this.#shared.dialect.mayRunAgain(error, tries)) throw error;
      }
    }
  }

  async #try<T>(work: (work: Work) => Promise<T>): Promise<T> {
    const hooks: (() => void)[] = [];
    const changes: Change[] = [];
    let stored: StoredChange[] = [];
    let turn: { before: Promise<void>; end: () => void } | undefined;
    try {
      const result = await this.db.transaction().execute(async (db) => {
        await checkGuard(db);
        const result = await work({
          db,
          afterCommit: (hook) => hooks.push(hook),
          changed: (change) => changes.push(change),
        });
        if (changes.length === 0) return result;
        turn = this.#turn();
        // Else another one could be committed between this one's writing and its commit. Of several servers', readers
        // reckon with that (changes/others-changes.ts): commits that wait for each other cost a sync of the disk each.
        if (!this.#shared.dialect.writersTakeTurns && this.#shared.memberId === undefined) await turn.before;
        stored = await writeChanges(db, changes, this.#shared.memberId);
        return result;
      });
      if (this.#shared.memberId === undefined) await turn?.before;
      // The work is committed: a listener's fault must not make the caller believe that it failed.
      for (const hook of [() => this.#shared.told(stored), ...hooks]) {
        try {
          unguarded(hook);
        } catch (error) {
          this.#shared.onError(error);
        }
      }
      return result;
    } finally {
      turn?.end();
    }
  }

  /** A place in the order of publications: those `before` are published, and `end` lets the next one. */
  #turn(): { before: Promise<void>; end: () => void } {
    const before = this.#shared.publishing;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    this.#shared.publishing = before.then(() => ended);
    return { before, end };
  }

  /**
   * The same for work that waits for so long while another program holds the database, and not only for the usual 5 s.
   * It is closed with this one.
   */
  withPatience(patienceMs: number): Storage {
    return new Storage(this.#shared.connect(patienceMs), this.#shared);
  }

  close(): Promise<void> {
    return this.db.destroy();
  }
}
