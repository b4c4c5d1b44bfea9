// SQLite, wrapped once: how it is opened, how transactions run, and what happens after they are committed.
//
// Writers take turns (sqlite/dialect.ts): while a transaction is open, others wait. So work inside one awaits queries on
// its own handle only: awaiting the network there would hold up everybody, a write on `storage.db` would wait for the
// transaction that waits for it, and a read there would not see what the transaction has done. Publishing to MQTT or to
// event streams is handed to `afterCommit`, since nobody may hear of what is not stored yet.

import { Kysely, Migrator, type Transaction } from "kysely";
import { Database } from "@flipside/processes/sqlite";
import { migrations } from "./migrations.ts";
import type { Schema } from "./schema.ts";
import { openVault, SealingPlugin, type Vault } from "./secrets-at-rest.ts";
import { patience, sqliteDialect } from "./sqlite/dialect.ts";

/** What a device has said is not asked for again: it waits for the database for longer than a person would. */
export const messagePatienceMs = 60_000;

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

  /** Opens the file, creating and migrating it as needed; `secretKey`: secrets-at-rest.ts. Throws when it is no database or newer than this program. */
  static async open(path: string, onHookError: (error: unknown) => void, secretKey?: Uint8Array): Promise<Storage> {
    const sqlite = new Database(path);
    // Readers and the writer don't block each other, and a commit is one append.
    sqlite.pragma("journal_mode = WAL");
    // A commit survives a power cut, not only a crash: a deployment that was offered must not be forgotten.
    sqlite.pragma("synchronous = FULL");
    // Off by default for the sake of databases from before 2009.
    sqlite.pragma("foreign_keys = ON");
    // The WAL is copied back often enough that it stays at a few megabytes.
    sqlite.pragma("wal_autocheckpoint = 1000");
    const reader = new Database(path);
    reader.pragma("query_only = ON");
    // From here on, SQLite's own waiting would be in the middle of the event loop: the dialect waits beside it.
    for (const connection of [sqlite, reader]) connection.pragma("busy_timeout = 0");
    const db = new Kysely<Schema>({ dialect: sqliteDialect({ reader, writer: sqlite }) });
    const { error } = await new Migrator({ db, provider: migrations }).migrateToLatest();
    if (error !== undefined) {
      await db.destroy();
      throw error;
    }
    let vault: Vault | undefined;
    try {
      vault = openVault(sqlite, secretKey);
    } catch (error) {
      await db.destroy();
      throw error;
    }
    return new Storage(vault === undefined ? db : db.withPlugin(new SealingPlugin(vault)), onHookError);
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

  /** Runs work that waits for so long while another program holds the database, and not only for the usual 5 s. */
  patiently<T>(patienceMs: number, work: () => Promise<T>): Promise<T> {
    return patience.run(patienceMs, work);
  }

  close(): Promise<void> {
    return this.db.destroy();
  }
}
