// Whose a PostgreSQL database is: one server's, or that of several which know of each other (members/). Sessions and
// commands on their way are in a server's memory, so one that knows of no others must be alone. It holds an advisory
// lock, which ends with its connection; members share that lock. While the connection is lost nothing is read or
// written, since another server may have begun; it is taken again as soon as that is possible.

import pg from "pg";
import type { Line, LineAnswer } from "../line.ts";
import { isLost } from "./faults.ts";

/** "flip", "side": of the database, so that other programs' locks in it are others. */
const lockKey = [0x666c6970, 0x73696465] as const;
/** "flip", "init": one member starts at a time. */
const startKey = [0x666c6970, 0x696e6974] as const;
/** Where members hear of each other. */
export const memberChannel = "flipside_members";
/** What a server that was killed has held goes a moment after it. */
const takenWithinMs = 5_000;
const againMs = 200;
/** Another one's start may bring the database to today's schema. */
const startedWithinMs = 60_000;
/** A line on which nothing comes must be seen long before its member counts as dead. */
const lineConnectMs = 2_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class DatabaseInUse extends Error {}

export class Ownership implements Line {
  readonly #config: pg.ClientConfig;
  readonly #isShared: boolean;
  readonly #onError: (error: unknown) => void;
  readonly #heard: ((text: string) => void)[] = [];
  readonly #taken: (() => void)[] = [];
  #why: () => Error | undefined = () => undefined;
  #client: pg.Client | undefined;
  #closed = false;
  #takingAgain: Promise<void> | undefined;

  private constructor(config: pg.ClientConfig, isShared: boolean, onError: (error: unknown) => void) {
    this.#config = isShared ? { ...config, connectionTimeoutMillis: lineConnectMs } : config;
    this.#isShared = isShared;
    this.#onError = onError;
  }

  /**
   * `isShared`: with others that share it, too. Throws DatabaseInUse, or what pg throws when the database can't be
   * reached.
   */
  static async take(config: pg.ClientConfig, isShared: boolean, onError: (error: unknown) => void): Promise<Ownership> {
    const ownership = new Ownership(config, isShared, onError);
    const deadline = performance.now() + takenWithinMs;
    while (!(await ownership.#try())) {
      if (performance.now() > deadline)
        throw new DatabaseInUse(
          isShared
            ? "a server that was started without --member has it for itself"
            : "another server uses this database. Several may use it together: start each with --member NAME and --images-dir FOLDER (docs/scaling.md)",
        );
      await pause(againMs);
    }
    return ownership;
  }

  /** Why the database must not be used just now; undefined: it is this server's. */
  readonly barred = (): Error | undefined =>
    this.#client === undefined ? new Error("the lock on it was lost and is being taken again") : this.#why();

  onHeard(hook: (text: string) => void): void {
    this.#heard.push(hook);
  }

  onTaken(hook: () => void): void {
    this.#taken.push(hook);
  }

  bar(why: () => Error | undefined): void {
    this.#why = why;
  }

  async query(text: string, values: readonly unknown[], timeoutMs: number): Promise<LineAnswer> {
    const client = this.#client;
    if (client === undefined) throw new Error("the line to the database is lost");
    try {
      // query_timeout of one query: pg knows it, its types don't.
      return await client.query({ text, values: [...values], query_timeout: timeoutMs } as pg.QueryConfig);
    } catch (error) {
      // What the line holds is only sure on one that answers.
      if (isLost(error)) this.#giveUp(client);
      throw error;
    }
  }

  /** Waits until no other member is at its start; `endStart` lets the next one. */
  async beginStart(): Promise<void> {
    const deadline = performance.now() + startedWithinMs;
    for (;;) {
      const { rows } = await this.query("select pg_try_advisory_lock($1, $2) as taken", startKey, lineConnectMs);
      if (rows[0]!["taken"] === true) return;
      if (performance.now() > deadline) throw new DatabaseInUse("another member has been starting for a minute");
      await pause(againMs);
    }
  }

  async endStart(): Promise<void> {
    await this.query("select pg_advisory_unlock($1, $2)", startKey, lineConnectMs);
  }

  /** Whether others hold the shared lock, too. */
  async isBesideOthers(): Promise<boolean> {
    const { rows } = await this.query(
      `select count(*) as holders from pg_locks where locktype = 'advisory' and granted and classid = $1 and objid = $2
       and database = (select oid from pg_database where datname = current_database())`,
      lockKey,
      lineConnectMs,
    );
    return Number(rows[0]!["holders"]) > 1;
  }

  async release(): Promise<void> {
    this.#closed = true;
    await this.#takingAgain;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  async #try(): Promise<boolean> {
    const client = new pg.Client(this.#config);
    client.on("error", () => {});
    try {
      await client.connect();
      const lock = this.#isShared ? "pg_try_advisory_lock_shared" : "pg_try_advisory_lock";
      const { rows } = await client.query(`select ${lock}($1, $2) as taken`, [...lockKey]);
      if (rows[0].taken !== true) {
        await client.end();
        return false;
      }
      if (this.#isShared) await this.#listen(client);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    client.on("end", () => this.#lost(client));
    this.#client = client;
    for (const hook of this.#taken) hook();
    return true;
  }

  async #listen(client: pg.Client): Promise<void> {
    client.on("notification", ({ payload }) => {
      for (const hook of this.#heard) hook(payload ?? "");
    });
    await client.query(`listen ${memberChannel}`);
  }

  /** Without a word: a way that swallows what is sent would keep a farewell, too. */
  #giveUp(client: pg.Client): void {
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    this.#lost(client);
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = undefined;
    this.#onError(
      new Error(
        "the connection that holds the database for this server was lost: nothing is read or written until it is there again",
      ),
    );
    this.#takingAgain = this.#takeAgain();
  }

  async #takeAgain(): Promise<void> {
    while (!this.#closed && !(await this.#try().catch(() => false))) await pause(againMs);
  }
}
