// Kysely on better-sqlite3 with two connections. Reads outside of transactions have one of their own and wait for
// nobody: each sees what was committed last. Writers take turns on the other, and are committed in groups
// (group-commit.ts). A transaction begins as one that writes (BEGIN IMMEDIATE): one that read first could not go on
// when another process wrote in between (SQLITE_BUSY_SNAPSHOT).
//
// When another process holds the file, SQLite itself would sleep in the middle of the event loop (busy_timeout). It is
// told not to; the statement, of which nothing has been done then, is tried again after a pause in which everything
// else goes on.

import type { Database } from "@flipside/processes/sqlite";
import {
  type CompiledQuery,
  type DatabaseConnection,
  DeleteQueryNode,
  type Dialect,
  type Driver,
  InsertQueryNode,
  type Kysely,
  type QueryResult,
  type SelectModifierNode,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  UpdateQueryNode,
} from "kysely";
import { booleanColumns } from "../column-types.ts";
import { patienceMsDefault } from "../patience.ts";
import { StorageBusy } from "../storage-unavailable.ts";
import { GroupCommit } from "./group-commit.ts";
import { Statements } from "./statements.ts";
import { WriteLock } from "./write-lock.ts";

const pauseMsFirst = 1;
const pauseMsMax = 50;

/**
 * SQLITE_BUSY and its kinds; SQLITE_PROTOCOL: the race for the WAL's lock was lost (sqlite3_wal.c, walTryBeginRead).
 */
const isBusy = (error: unknown): boolean =>
  /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(String((error as { code?: unknown }).code));

/** SQLite has no booleans. */
const bound = (value: unknown): unknown => (typeof value === "boolean" ? Number(value) : value);

function withBooleans(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  const [first] = rows;
  for (const name of booleanColumns) {
    if (first === undefined || !(name in first)) continue;
    for (const row of rows) row[name] = row[name] === 1;
  }
  return rows;
}

const isOfRows = ({ query }: CompiledQuery): boolean =>
  SelectQueryNode.is(query) || InsertQueryNode.is(query) || UpdateQueryNode.is(query) || DeleteQueryNode.is(query);

function run(statements: Statements, query: CompiledQuery): QueryResult<never> {
  const statement = isOfRows(query) ? statements.of(query.sql) : statements.once(query.sql);
  const parameters = query.parameters.map(bound);
  if (statement.reader)
    return { rows: withBooleans(statement.all(parameters) as Record<string, unknown>[]) as never[] };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid), rows: [] };
}

/** Tries again while another process holds the file. */
class Retry {
  #busySince: number | undefined;
  readonly #heldByOthers: (since: number) => void;

  constructor(heldByOthers: (since: number) => void = () => {}) {
    this.#heldByOthers = heldByOthers;
  }

  async run<T>(work: () => T, patienceMs: number): Promise<T> {
    const began = performance.now();
    for (let pauseMs = pauseMsFirst; ; pauseMs = Math.min(pauseMsMax, 2 * pauseMs)) {
      try {
        const result = work();
        this.#busySince = undefined;
        return result;
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
      const now = performance.now();
      this.#busySince ??= now;
      if (now - Math.max(began, this.#busySince) >= patienceMs) throw new StorageBusy();
      this.#heldByOthers(this.#busySince);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

interface Shared {
  reader: Database;
  writer: Database;
  readerStatements: Statements;
  writerStatements: Statements;
  lock: WriteLock;
  group: GroupCommit;
  reading: Retry;
  writing: Retry;
}

class Connection implements DatabaseConnection {
  readonly #shared: Shared;
  readonly #patienceMs: number;
  #inTransaction = false;

  constructor(shared: Shared, patienceMs: number) {
    this.#shared = shared;
    this.#patienceMs = patienceMs;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { readerStatements, writerStatements, reading, writing } = this.#shared;
    if (this.#inTransaction) return writing.run(() => run(writerStatements, query), this.#patienceMs);
    if (SelectQueryNode.is(query.query)) return reading.run(() => run(readerStatements, query), this.#patienceMs);
    return isOfRows(query) ? this.#writeAlone(query) : this.#runOutside(query);
  }

  /** A statement that is a transaction of its own. */
  async #writeAlone(query: CompiledQuery): Promise<QueryResult<never>> {
    const { writerStatements, lock, group, writing } = this.#shared;
    await lock.acquire(this.#patienceMs);
    let result: QueryResult<never>;
    try {
      await group.join(this.#patienceMs);
      result = await writing.run(() => run(writerStatements, query), this.#patienceMs);
    } catch (error) {
      group.leaveWithout();
      throw error;
    }
    await group.leave();
    return result;
  }

  /** What may be none of the kinds that can be part of a transaction, such as VACUUM. */
  async #runOutside(query: CompiledQuery): Promise<QueryResult<never>> {
    const { writerStatements, lock, group, writing } = this.#shared;
    await lock.acquire(this.#patienceMs);
    try {
      await group.commit();
      return await writing.run(() => run(writerStatements, query), this.#patienceMs);
    } finally {
      lock.release();
    }
  }

  async begin(): Promise<void> {
    const { writer, lock, group } = this.#shared;
    await lock.acquire(this.#patienceMs);
    try {
      await group.join(this.#patienceMs);
      writer.exec("savepoint work");
      this.#inTransaction = true;
    } catch (error) {
      group.leaveWithout();
      throw error;
    }
  }

  async commit(): Promise<void> {
    this.#shared.writer.exec("release work");
    this.#inTransaction = false;
    await this.#shared.group.leave();
  }

  /** Kysely asks for it after a commit that failed, too. */
  async rollback(): Promise<void> {
    if (!this.#inTransaction) return;
    this.#inTransaction = false;
    const { writer, group } = this.#shared;
    try {
      // SQLite has rolled back all of it by itself after some errors (SQLITE_FULL, SQLITE_IOERR).
      if (writer.inTransaction) writer.exec("rollback to work; release work");
    } finally {
      group.leaveWithout();
    }
  }

  // biome-ignore lint/correctness/useYield: it only refuses
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("streams are not used here");
  }
}

class SqliteDriver implements Driver {
  readonly #shared: Shared;
  readonly #patienceMs: number;

  constructor(shared: Shared, patienceMs: number) {
    this.#shared = shared;
    this.#patienceMs = patienceMs;
  }

  init = async (): Promise<void> => {};
  acquireConnection = async (): Promise<DatabaseConnection> => new Connection(this.#shared, this.#patienceMs);
  releaseConnection = async (): Promise<void> => {};
  beginTransaction = (connection: DatabaseConnection): Promise<void> => (connection as Connection).begin();
  commitTransaction = (connection: DatabaseConnection): Promise<void> => (connection as Connection).commit();
  rollbackTransaction = (connection: DatabaseConnection): Promise<void> => (connection as Connection).rollback();

  async destroy(): Promise<void> {
    // After whoever is at work; the last to close copies the WAL back.
    await this.#shared.lock.acquire(patienceMsDefault).catch(() => {});
    await this.#shared.group.commit();
    this.#shared.reader.close();
    this.#shared.writer.close();
  }
}

/** Data definition is part of transactions in SQLite, so a migration that broke off leaves nothing behind. */
class Adapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** A transaction that writes has the whole file to itself, so rows need no locks of their own. */
class QueryCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier !== "ForUpdate" && node.modifier !== "ForShare") super.visitSelectModifier(node);
  }
}

/**
 * Both connections are to one file, in WAL mode, with busy_timeout 0. What uses them, with whatever patience, shares
 * all that is here. `nowMs`: by which a group of commits is old; tests let it stand still.
 */
export function sqliteDialects(connections: {
  reader: Database;
  writer: Database;
  nowMs?: () => number;
}): (patienceMs: number) => Dialect {
  const lock = new WriteLock();
  const { reader, writer } = connections;
  const writing = new Retry((since) => lock.heldByOthers(since));
  const shared: Shared = {
    reader,
    writer,
    readerStatements: new Statements(reader),
    writerStatements: new Statements(writer),
    lock,
    group: new GroupCommit(writer, lock, (work, patienceMs) => writing.run(work, patienceMs), connections.nowMs),
    reading: new Retry(),
    writing,
  };
  return (patienceMs) => ({
    createDriver: () => new SqliteDriver(shared, patienceMs),
    createAdapter: () => new Adapter(),
    createIntrospector: (db: Kysely<any>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new QueryCompiler(),
  });
}
