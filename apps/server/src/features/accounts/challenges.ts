// What a browser is to have signed by a passkey, and for whom: known by what the browser shows, for a few minutes and
// a few tries. Between the password and the second step of a sign-in, this is all that there is: no session yet.

import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { ChallengeRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { hashOf } from "./credentials.ts";

/** Long enough to find a security key. */
export const challengeLifeMs = 5 * 60 * 1000;
const triesMax = 5;
const challengeBytes = 32;

export class Challenges {
  readonly #storage: Storage;
  readonly #clock: Clock;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** In place of the one that is known by the same text. Returns the challenge, base64url. */
  async begin(db: Queries, text: string, userName: string): Promise<string> {
    const now = this.#clock.steadyMs();
    const hash = hashOf(text);
    await db
      .deleteFrom("challenges")
      .where(({ eb, or }) => or([eb("endsAt", "<=", now), eb("hash", "=", hash)]))
      .execute();
    const challenge = randomBytes(challengeBytes).toString("base64url");
    const row = { hash, userName, challenge, triesLeft: triesMax, endsAt: now + challengeLifeMs };
    await db.insertInto("challenges").values(row).execute();
    return challenge;
  }

  find(text: string): Promise<ChallengeRow | undefined> {
    return this.#storage.db
      .selectFrom("challenges")
      .selectAll()
      .where("hash", "=", hashOf(text))
      .where("endsAt", ">", this.#clock.steadyMs())
      .executeTakeFirst();
  }

  /** Takes one of its tries. Whether there was one. */
  async try({ hash }: ChallengeRow): Promise<boolean> {
    const tried = await this.#storage.db
      .updateTable("challenges")
      .set((q) => ({ triesLeft: q("triesLeft", "-", 1) }))
      .where("hash", "=", hash)
      .where("triesLeft", ">", 0)
      .returning("hash")
      .executeTakeFirst();
    return tried !== undefined;
  }

  /** It is answered. Whether it was not yet. */
  async end(db: Queries, { hash }: ChallengeRow): Promise<boolean> {
    const ended = await db.deleteFrom("challenges").where("hash", "=", hash).returning("hash").executeTakeFirst();
    return ended !== undefined;
  }
}

export const endChallengesOf = (db: Queries, userName: string): Promise<unknown> =>
  db.deleteFrom("challenges").where("userName", "=", userName).execute();

/** Whether the account's password alone does not let in. */
export const hasSecondFactor = async (db: Queries, userName: string): Promise<boolean> =>
  (await db.selectFrom("passkeys").select("id").where("userName", "=", userName).limit(1).executeTakeFirst()) !==
  undefined;

/** The account has none any more. How many there were. */
export async function removeSecondFactorsOf(db: Queries, userName: string): Promise<number> {
  await db.deleteFrom("recoveryCodes").where("userName", "=", userName).execute();
  await endChallengesOf(db, userName);
  return (await db.deleteFrom("passkeys").where("userName", "=", userName).returning("id").execute()).length;
}
