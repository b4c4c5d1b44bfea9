// SQLite, wrapped once: how it is opened, how transactions run, and what happens after they are committed.
//
// Kysely serialises everything on SQLite's one connection: while a transaction is open, other queries wait. So work
// inside one awaits queries on its own handle only: awaiting the network there would hold up everybody, and a query on
// `storage.db` would wait for the transaction that waits for it. Publishing to MQTT or to event streams is handed to
// `afterCommit`, since nobody may hear of what is not stored yet.

import { Database } from "../../../../packages/processes/src/sqlite.ts";
import { Kysely, Migrator, SqliteDialect, type Transaction } from "kysely";
import { migrations } from "./migrations.ts";
import type { Schema } from "./schema.ts";

/** A read or write handle: the database itself, or the transaction that is open. */
export type Queries = Kysely<Schema> | Transaction<Schema>;

export interface Work {
  readonly db: Transaction<Schema>;
  /** Runs `hook` once the transaction is committed, in the order of calls; never when it is rolled back. */
  afterCommit(hook: () => void): void;
}

export class Storage {
  readonly db: Kysely<Schema>;
  readonly #onHookError: (error: unknown) => void;

  private constructor(db: Kysely<Schema>, onHookError: (error: unknown) => void) {
    this.db = db;
    this.#onHookError = onHookError;
  }

  /** Opens the file, creating and migrating it as needed. Throws when it is no database or newer than this program. */
  static async open(path: string, onHookError: (error: unknown) => void): Promise<Storage> {
    const sqlite = new Database(path);
    // Readers and the writer don't block each other, and a commit is one append.
    sqlite.pragma("journal_mode = WAL");
    // A commit survives a power cut, not only a crash: a deployment that was offered must not be forgotten.
    sqlite.pragma("synchronous = FULL");
    // Off by default for the sake of databases from before 2009.
    sqlite.pragma("foreign_keys = ON");
    // Only a backup or a person's shell ever competes for the file; wait for it instead of failing a request.
    sqlite.pragma("busy_timeout = 5000");
    // The WAL is copied back often enough that it stays at a few megabytes.
    sqlite.pragma("wal_autocheckpoint = 1000");
    const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: sqlite }) });
    const { error } = await new Migrator({ db, provider: migrations }).migrateToLatest();
    if (error !== undefined) {
      await db.destroy();
      throw error;
    }
    return new Storage(db, onHookError);
  }

  async transaction<T>(work: (work: Work) => Promise<T>): Promise<T> {
    const hooks: (() => void)[] = [];
    const result = await this.db.transaction().execute((db) => work({ db, afterCommit: (hook) => hooks.push(hook) }));
    for (const hook of hooks) {
      try {
        hook();
      } catch (error) {
        // The work is committed: a listener's fault must not make the caller believe that it failed.
        this.#onHookError(error);
      }
    }
    return result;
  }

  close(): Promise<void> {
    return this.db.destroy();
  }
}
