// The same limits where several servers take sign-ins: counters are rows, and time is the database's, so that who tries
// here and there has no more attempts than who tries in one place.

import { sql } from "kysely";
import type { Queries, Storage } from "../../storage/storage.ts";
import {
  admit,
  type Admission,
  type AttemptLimits,
  type Counter,
  forget,
  networkOf,
  welcomeMax,
} from "./attempt-limiter.ts";

/** Longer than anything that is counted is remembered. */
const keptMs = 3_600_000;

async function databaseMs(db: Queries): Promise<number> {
  const { rows } = await sql<{
    now: number;
  }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
  return rows[0]!.now;
}

export class SharedAttempts implements AttemptLimits {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  begin(address: string, account: string): Promise<Admission> {
    const network = networkOf(address);
    return this.#storage.transaction(async ({ db }) => {
      // In one order, so that two attempts never wait for each other.
      const target = await this.#locked(db, "account", account);
      const from = await this.#locked(db, "address", network);
      const now = await databaseMs(db);
      for (const counter of [target, from]) forget(counter, now);
      const welcome = await db
        .selectFrom("signInWelcome")
        .select("at")
        .where("account", "=", account)
        .where("network", "=", network)
        .executeTakeFirst();
      const admission = admit(from, target, welcome !== undefined, now);
      await this.#store(db, "account", account, target);
      await this.#store(db, "address", network, from);
      return admission;
    });
  }

  succeeded(address: string, account: string): Promise<void> {
    const network = networkOf(address);
    return this.#storage.transaction(async ({ db }) => {
      for (const [kind, key] of [
        ["account", account],
        ["address", network],
      ] as const)
        await db
          .updateTable("signInCounters")
          .set((q) => ({ failures: q("failures", "-", 1) }))
          .where("kind", "=", kind)
          .where("key", "=", key)
          .where("failures", ">", 0)
          .execute();
      const at = await databaseMs(db);
      await db
        .insertInto("signInWelcome")
        .values({ account, network, at })
        .onConflict((conflict) => conflict.columns(["account", "network"]).doUpdateSet({ at }))
        .execute();
      await db
        .deleteFrom("signInWelcome")
        .where("account", "=", account)
        .where("network", "not in", (q) =>
          q
            .selectFrom("signInWelcome")
            .select("network")
            .where("account", "=", account)
            .orderBy("at", "desc")
            .limit(welcomeMax),
        )
        .execute();
    });
  }

  /** Removes what says nothing any more. */
  async prune(): Promise<void> {
    const { db } = this.#storage;
    await db
      .deleteFrom("signInCounters")
      .where("since", "<", (await databaseMs(db)) - keptMs)
      .execute();
  }

  async #locked(db: Queries, kind: "address" | "account", key: string): Promise<Counter> {
    const now = await databaseMs(db);
    await db
      .insertInto("signInCounters")
      .values({ kind, key, failures: 0, since: now, nextAt: now })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return db
      .selectFrom("signInCounters")
      .select(["failures", "since", "nextAt"])
      .where("kind", "=", kind)
      .where("key", "=", key)
      .forUpdate()
      .executeTakeFirstOrThrow();
  }

  async #store(db: Queries, kind: "address" | "account", key: string, counter: Counter): Promise<void> {
    await db.updateTable("signInCounters").set(counter).where("kind", "=", kind).where("key", "=", key).execute();
  }
}
