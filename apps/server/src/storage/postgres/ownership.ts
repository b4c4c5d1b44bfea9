// One server at a time uses a PostgreSQL database: sessions and commands on their way are in its memory. The owner
// holds an advisory lock, which ends with its connection. While that connection is lost nothing is read or written,
// since another server may have begun; it is taken again as soon as that is possible.

import pg from "pg";

/** "flip", "side": of the database, so that other programs' locks in it are others. */
const lockKey = [0x666c6970, 0x73696465] as const;
/** What a server that was killed has held goes a moment after it. */
const takenWithinMs = 5_000;
const againMs = 200;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class DatabaseInUse extends Error {}

export class Ownership {
  readonly #config: pg.ClientConfig;
  readonly #onError: (error: unknown) => void;
  #client: pg.Client | undefined;
  #closed = false;
  #takingAgain: Promise<void> | undefined;

  private constructor(config: pg.ClientConfig, onError: (error: unknown) => void) {
    this.#config = config;
    this.#onError = onError;
  }

  /** Throws DatabaseInUse, or what pg throws when the database can't be reached. */
  static async take(config: pg.ClientConfig, onError: (error: unknown) => void): Promise<Ownership> {
    const ownership = new Ownership(config, onError);
    const deadline = performance.now() + takenWithinMs;
    while (!(await ownership.#try())) {
      if (performance.now() > deadline) throw new DatabaseInUse("another server uses this database");
      await pause(againMs);
    }
    return ownership;
  }

  /** Why the database must not be used just now; undefined: it is this server's. */
  readonly barred = (): Error | undefined =>
    this.#client === undefined ? new Error("the lock on it was lost and is being taken again") : undefined;

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
      const { rows } = await client.query("select pg_try_advisory_lock($1, $2) as taken", [...lockKey]);
      if (rows[0].taken !== true) {
        await client.end();
        return false;
      }
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    client.on("end", () => this.#lost(client));
    this.#client = client;
    return true;
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
