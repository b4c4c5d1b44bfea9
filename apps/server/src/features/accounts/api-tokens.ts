// Tokens that programs show. Each belongs to an account, and may what it names of what the account's role may now.

import { tokensPerAccountMax } from "@flipside/api/limits";
import { type Permission, permissionsOf, type Role } from "@flipside/api/permissions";
import { covers, narrowed, type Scope, scopeText } from "@flipside/api/scope";
import type { ApiToken } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull, newId } from "../../identifiers.ts";
import type { AccountRow, ApiTokenRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { scopeColumn, scopeIn, shownScope } from "../../storage/stored-scope.ts";
import { hashOf, newTokenText } from "./credentials.ts";
import { LastUsed } from "./last-used.ts";

const dayMs = 24 * 60 * 60 * 1000;
/** One that has expired is shown for so long, so that somebody sees why a program stands still. */
const shownExpiredMs = 30 * dayMs;

/** As its cursors name it. */
export const tokenList = "tokens";
export const tokenKeys = ["number", "string"] as const;

export interface TokenAsked {
  name: string;
  permissions: readonly Permission[];
  scope: Scope;
  lifeDays: number;
}

export const namedBy = (row: Pick<ApiTokenRow, "permissions">): Permission[] =>
  JSON.parse(row.permissions) as Permission[];

/** What one may: no more than its account's role may at the moment. */
export const mayBy = (row: Pick<ApiTokenRow, "permissions">, role: Role): Permission[] =>
  namedBy(row).filter((each) => permissionsOf(role).includes(each));

/** Which devices: none that its account does not see at the moment. */
export const seenBy = (row: Pick<ApiTokenRow, "scope">, account: Pick<AccountRow, "scope">): Scope =>
  narrowed(scopeIn(account), scopeIn(row));

export class ApiTokens {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #lastUsed: LastUsed;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
    this.#lastUsed = new LastUsed((id, lastUsedAt) =>
      storage.db.updateTable("apiTokens").set({ lastUsedAt }).where("id", "=", id).execute(),
    );
  }

  /** Throws ApiError when the account has too many, or asks for what its role may not, or it does not see. */
  async make(
    { userName, role, scope: seen }: { userName: string; role: Role; scope: Scope },
    { name, permissions, scope, lifeDays }: TokenAsked,
  ): Promise<{ token: string; made: ApiToken }> {
    const beyond = permissions.filter((each) => !permissionsOf(role).includes(each));
    if (beyond.length > 0)
      throw new ApiError("validation-failed", `The role ${role} may not ${beyond.join(", ")}. Leave it out.`, {
        errors: [{ path: "permissions", message: `not of the role ${role}: ${beyond.join(", ")}` }],
      });
    if (scope !== null && !covers(seen, scope))
      throw new ApiError("validation-failed", `You see the devices tagged ${scopeText(seen)}, and a token no others.`, {
        errors: [{ path: "scope", message: `choose from ${scopeText(seen)}` }],
      });
    const token = newTokenText();
    const row: ApiTokenRow = {
      id: newId(),
      hash: hashOf(token),
      userName,
      name,
      permissions: JSON.stringify([...new Set(permissions)]),
      scope: scopeColumn(scope),
      createdAt: this.#clock.wallMs(),
      endsAt: this.#clock.steadyMs() + lifeDays * dayMs,
      lastUsedAt: null,
    };
    await this.#storage.transaction(({ db }) => this.#store(db, row));
    return { token, made: this.#view(row) };
  }

  async #store(db: Queries, row: ApiTokenRow): Promise<void> {
    const now = this.#clock.steadyMs();
    await db
      .deleteFrom("apiTokens")
      .where("endsAt", "<=", now - shownExpiredMs)
      .execute();
    const { count } = await db
      .selectFrom("apiTokens")
      .select((q) => q.fn.countAll<number>().as("count"))
      .where("userName", "=", row.userName)
      .where("endsAt", ">", now)
      .executeTakeFirstOrThrow();
    if (Number(count) >= tokensPerAccountMax)
      throw new ApiError(
        "too-many-tokens",
        `${row.userName} has ${tokensPerAccountMax} tokens. Withdraw those that nothing uses any more.`,
      );
    await db.insertInto("apiTokens").values(row).execute();
  }

  /** Of one that is in force. */
  async find(text: string): Promise<ApiTokenRow | undefined> {
    const row = await this.#storage.db
      .selectFrom("apiTokens")
      .selectAll()
      .where("hash", "=", hashOf(text))
      .where("endsAt", ">", this.#clock.steadyMs())
      .executeTakeFirst();
    if (row !== undefined) this.#lastUsed.used(row.id, this.#clock.wallMs());
    return row;
  }

  /** The newest first. `userName`: of this account; undefined: everybody's. */
  async list(
    { limit, after }: PageAsked,
    userName: string | undefined,
  ): Promise<{ tokens: ApiToken[]; next: string | null }> {
    const rows = await this.#storage.db
      .selectFrom("apiTokens")
      .selectAll()
      .$if(userName !== undefined, (q) => q.where("userName", "=", userName!))
      .$if(after !== undefined, (q) =>
        q.where(({ eb, refTuple, tuple }) =>
          eb(refTuple("createdAt", "id"), "<", tuple(after![0] as number, String(after![1]))),
        ),
      )
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute();
    const page = paged(tokenList, rows, limit, ({ createdAt, id }) => [createdAt, id]);
    return { tokens: page.rows.map((row) => this.#view(row)), next: page.next };
  }

  /** Whether there was such a one. `userName`: only of this account. */
  async withdraw(id: string, userName?: string): Promise<boolean> {
    const gone = await this.#storage.db
      .deleteFrom("apiTokens")
      .where("id", "=", id)
      .$if(userName !== undefined, (q) => q.where("userName", "=", userName!))
      .returning("id")
      .executeTakeFirst();
    return gone !== undefined;
  }

  #view(row: ApiTokenRow): ApiToken {
    const { id, name, userName, createdAt, endsAt, lastUsedAt } = row;
    return {
      ...{ id, name, userName, permissions: namedBy(row), scope: shownScope(scopeIn(row)) },
      ...{ createdAt: iso(createdAt), endsAt: iso(this.#clock.shownMs(endsAt)), lastUsedAt: isoOrNull(lastUsedAt) },
    };
  }
}

export const withdrawTokensOf = (db: Queries, userName: string): Promise<unknown> =>
  db.deleteFrom("apiTokens").where("userName", "=", userName).execute();
