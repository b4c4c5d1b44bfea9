// Kysely on pg. A transaction has a connection of the pool for itself. Nothing waits for ever: getting a connection, a
// lock, a statement and an answer have deadlines, and a connection that failed is not used again.

import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  SelectQueryNode,
} from "kysely";
import type { Pool, PoolClient } from "pg";
import { ConnectionLost, faultOf, isLost } from "./faults.ts";

/** PostgreSQL's text has no U+0000. Nothing that is stored has one, so what is looked for by it is not there. */
const bound = (value: unknown): unknown =>
  typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value;

const pauseMsFirst = 20;
const pauseMsMax = 500;

class Connection implements DatabaseConnection {
  readonly #another: () => Promise<PoolClient>;
  #client: PoolClient;
  /** A connection whose state is not known is closed when it is given back. */
  #broken: Error | undefined;
  #inTransaction = false;

  constructor(client: PoolClient, another: () => Promise<PoolClient>) {
    this.#client = client;
    this.#another = another;
  }

  /** Whatever the database's own default is: what is locked here is locked for READ COMMITTED. */
  async begin(): Promise<void> {
    await this.#say("begin isolation level read committed");
    this.#inTransaction = true;
  }

  async commit(): Promise<void> {
    this.#inTransaction = false;
    await this.#say("commit", true);
  }

  async rollback(): Promise<void> {
    this.#inTransaction = false;
    // Closing it rolls back, too; the fault that led here is the one to tell.
    if (this.#broken === undefined) await this.#say("rollback").catch(() => {});
  }

  release(): void {
    this.#client.release(this.#broken);
  }

  async executeQuery<R>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
    const reads = SelectQueryNode.is(query);
    for (;;) {
      try {
        const { rows, rowCount } = await this.#client.query(sql, parameters.map(bound));
        return reads ? { rows } : { rows, numAffectedRows: BigInt(rowCount ?? 0) };
      } catch (error) {
        if (isLost(error)) this.#broken = error as Error;
        // A single statement is a transaction of its own.
        const fault = faultOf(error, !reads && !this.#inTransaction);
        if (!(fault instanceof ConnectionLost) || !reads || this.#inTransaction) throw fault;
      }
      await this.#change();
    }
  }

  /** What only reads may be read on another connection, as long as one can be had in the time that the work has. */
  async #change(): Promise<void> {
    const another = await this.#another();
    this.release();
    this.#client = another;
    this.#broken = undefined;
  }

  async #say(text: string, committing = false): Promise<void> {
    try {
      await this.#client.query(text);
    } catch (error) {
      this.#broken = error as Error;
      throw faultOf(error, committing);
    }
  }

  // biome-ignore lint/correctness/useYield: it only refuses
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("streams are not used here");
  }
}

interface Options {
  pool: Pool;
  /** Why nobody may use the database just now, or undefined. */
  barred: () => Error | undefined;
  end: () => Promise<void>;
  patienceMs: number;
}

class PostgresDriver implements Driver {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  init = async (): Promise<void> => {};

  async acquireConnection(): Promise<DatabaseConnection> {
    return new Connection(await this.#connect(), () => this.#connect());
  }

  /** Tries for as long as the work has patience: a database that is started anew is back in seconds. */
  async #connect(): Promise<PoolClient> {
    const { pool, barred, patienceMs } = this.#options;
    const began = performance.now();
    for (let pauseMs = pauseMsFirst; ; pauseMs = Math.min(pauseMsMax, 2 * pauseMs)) {
      try {
        const why = barred();
        if (why !== undefined) throw new ConnectionLost(why);
        return await pool.connect();
      } catch (error) {
        const fault = faultOf(error);
        if (!(fault instanceof ConnectionLost)) throw fault;
        fault.waitedFor = performance.now() - began + pauseMs >= patienceMs;
        if (fault.waitedFor) throw fault;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  releaseConnection = async (connection: DatabaseConnection): Promise<void> => (connection as Connection).release();
  beginTransaction = (connection: DatabaseConnection): Promise<void> => (connection as Connection).begin();
  commitTransaction = (connection: DatabaseConnection): Promise<void> => (connection as Connection).commit();
  rollbackTransaction = (connection: DatabaseConnection): Promise<void> => (connection as Connection).rollback();
  destroy = (): Promise<void> => this.#options.end();
}

export function postgresDialect(options: Options): Dialect {
  return {
    createDriver: () => new PostgresDriver(options),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db: Kysely<any>) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}
