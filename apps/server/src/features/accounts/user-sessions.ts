// Sessions of people: rows that begin with a sign-in, and end by a sign-out, another password, somebody's word, or
// after half a day.

import type { UserSession } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { iso, newId } from "../../identifiers.ts";
import type { UserSessionRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { hashOf, newSessionText, openedBy, sealedFor } from "./credentials.ts";
import { LastUsed } from "./last-used.ts";

export const sessionLifeSeconds = 12 * 60 * 60;
const sessionLifeMs = sessionLifeSeconds * 1000;
const clientCharactersMax = 200;

/** As its cursors name it. */
export const userSessionList = "user-sessions";
export const userSessionKeys = ["number", "string"] as const;

/** Where a sign-in came from. */
export interface CameFrom {
  address: string;
  /** What the browser or program calls itself. */
  client: string;
}

/** What a session that was begun at an OpenID provider is known by there. */
export interface AtProvider {
  session: string | undefined;
  /** Shown to the provider at the sign-out. It says who somebody is: what is stored takes the session to be read. */
  idToken: string;
}

export class UserSessions {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #lastSeen: LastUsed;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
    this.#lastSeen = new LastUsed((id, lastSeenAt) =>
      storage.db.updateTable("userSessions").set({ lastSeenAt }).where("id", "=", id).execute(),
    );
  }

  /** Returns what the session is known by from now on. `lifeMs`: no longer than others. */
  async begin(
    db: Queries,
    userName: string,
    { address, client }: CameFrom,
    { lifeMs = sessionLifeMs, provider }: { lifeMs?: number; provider?: AtProvider } = {},
  ): Promise<string> {
    const text = newSessionText();
    const now = this.#clock.wallMs();
    const steadyMs = this.#clock.steadyMs();
    await db.deleteFrom("userSessions").where("endsAt", "<=", steadyMs).execute();
    await db
      .insertInto("userSessions")
      .values({
        id: newId(),
        hash: hashOf(text),
        userName,
        startedAt: now,
        lastSeenAt: now,
        endsAt: steadyMs + Math.min(lifeMs, sessionLifeMs),
        address,
        client: client.slice(0, clientCharactersMax),
        oidcSession: provider?.session ?? null,
        oidcToken: provider === undefined ? null : sealedFor(text, provider.idToken),
      })
      .execute();
    return text;
  }

  /** Of the provider, if it was begun there. */
  async idTokenOf(text: string): Promise<string | undefined> {
    const sealed = (await this.find(text))?.oidcToken ?? null;
    return sealed === null ? undefined : openedBy(text, sealed);
  }

  /** Of one that is in force. */
  async find(text: string): Promise<UserSessionRow | undefined> {
    const row = await this.#storage.db
      .selectFrom("userSessions")
      .selectAll()
      .where("hash", "=", hashOf(text))
      .where("endsAt", ">", this.#clock.steadyMs())
      .executeTakeFirst();
    if (row !== undefined) this.#lastSeen.used(row.id, this.#clock.wallMs());
    return row;
  }

  /** The newest first. `userName`: of this account; undefined: everybody's. `current`: id of the one that asks. */
  async list(
    { limit, after }: PageAsked,
    about: { userName: string | undefined; current: string },
  ): Promise<{ sessions: UserSession[]; next: string | null }> {
    const rows = await this.#storage.db
      .selectFrom("userSessions")
      .selectAll()
      .where("endsAt", ">", this.#clock.steadyMs())
      .$if(about.userName !== undefined, (q) => q.where("userName", "=", about.userName!))
      .$if(after !== undefined, (q) =>
        q.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("startedAt", "id"), "<", tuple(after![0] as number, String(after![1]))),
        ),
      )
      .orderBy("startedAt", "desc")
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
    const page = paged(userSessionList, rows, limit, ({ startedAt, id }) => [startedAt, id]);
    return { sessions: page.rows.map((row) => this.#view(row, about.current)), next: page.next };
  }

  /** Whether there was such a one. `userName`: only of this account. */
  async end(id: string, userName?: string): Promise<boolean> {
    const ended = await this.#storage.db
      .deleteFrom("userSessions")
      .where("id", "=", id)
      .$if(userName !== undefined, (q) => q.where("userName", "=", userName!))
      .returning("id")
      .executeTakeFirst();
    return ended !== undefined;
  }

  /** Says whose it was. */
  async endByText(text: string): Promise<string | undefined> {
    const ended = await this.#storage.db
      .deleteFrom("userSessions")
      .where("hash", "=", hashOf(text))
      .returning("userName")
      .executeTakeFirst();
    return ended?.userName;
  }

  #view(
    { id, userName, startedAt, lastSeenAt, endsAt, address, client }: UserSessionRow,
    current: string,
  ): UserSession {
    const endsAtShown = iso(this.#clock.shownMs(endsAt));
    return {
      ...{ id, userName, address, client, isCurrent: id === current },
      ...{ startedAt: iso(startedAt), lastSeenAt: iso(lastSeenAt), endsAt: endsAtShown },
    };
  }
}

export const endSessionsOf = (db: Queries, userName: string): Promise<unknown> =>
  db.deleteFrom("userSessions").where("userName", "=", userName).execute();
