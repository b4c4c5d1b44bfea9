// From somebody who has proved itself at the provider to an account and a session here. An account is bound to what the
// provider knows the person by, its subject, which never becomes somebody else's; a name or an address of mail may. So
// a name is only what a new account is called, and one that is taken is refused and never taken over.

import type { User } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { scopeColumn, scopeIn, shownScope } from "../../storage/stored-scope.ts";
import type { AccountRow } from "../../storage/schema.ts";
import { type Accounts, viewOfUser } from "../accounts/accounts.ts";
import { withdrawTokensOf } from "../accounts/api-tokens.ts";
import { hashOf } from "../accounts/credentials.ts";
import { type CameFrom, endSessionsOf } from "../accounts/user-sessions.ts";
import { mappingOf, userNameOf } from "./claims.ts";
import type { OidcOptions } from "./oidc-options.ts";
import { type Identity, skewSeconds } from "./provider.ts";

export interface EnteringOptions {
  storage: Storage;
  clock: Clock;
  accounts: Pick<Accounts, "sessions" | "watched">;
  oidc: OidcOptions;
}

export interface Entered {
  user: User;
  session: string;
  /** What it was before; undefined: the account is new. */
  before: Pick<User, "role" | "scope"> | undefined;
}

/** How long a token can come a second time: as long as it is valid, and longer. */
const rememberedMs = 60 * 60 * 1000;

/** Whether this is its first use. */
export async function useOnce(db: Queries, text: string, steadyMs: number): Promise<boolean> {
  await db.deleteFrom("usedOnce").where("endsAt", "<=", steadyMs).execute();
  const used = await db
    .insertInto("usedOnce")
    .values({ hash: hashOf(text), endsAt: steadyMs + rememberedMs + skewSeconds * 1000 })
    .onConflict((conflict) => conflict.doNothing())
    .returning("hash")
    .executeTakeFirst();
  return used !== undefined;
}

type Outcome = Entered | { refusal: ApiError; keptOut?: string | undefined };

export class Entering {
  readonly #options: EnteringOptions;

  constructor(options: EnteringOptions) {
    this.#options = options;
  }

  /**
   * `nonce`: of the sign-in, which is used up by it. `keptOut`: hears whose account has no role any more.
   * @throws {ApiError} oidc-no-role, oidc-name, oidc-not-begun
   */
  async enter(
    identity: Identity,
    nonce: string,
    from: CameFrom,
    keptOut: (userName: string) => void,
  ): Promise<Entered> {
    const { storage, accounts, clock, oidc } = this.#options;
    const mapping = mappingOf(identity.claims, oidc.roleClaims, oidc.roles);
    const outcome = await storage.transaction(async ({ db }): Promise<Outcome> => {
      if (!(await useOnce(db, nonce, clock.steadyMs())))
        return { refusal: new ApiError("oidc-not-begun", "This sign-in was used already. Begin again.") };
      const known = await this.#accountOf(db, identity.subject);
      if (mapping === undefined) return { refusal: await this.#keepOut(db, known), keptOut: known?.userName };
      const what = { role: mapping.role, scope: scopeColumn(mapping.scope) };
      const row = known ?? (await this.#newAccount(db, identity, what));
      if (row instanceof ApiError) return { refusal: row };
      const set = { ...what, lastSignedInAt: clock.wallMs() };
      await db.updateTable("accounts").set(set).where("userName", "=", row.userName).execute();
      const session = await accounts.sessions.begin(db, row.userName, from, {
        lifeMs: oidc.sessionMs,
        provider: { session: identity.session, idToken: identity.idToken },
      });
      const before = known && { role: known.role, scope: shownScope(scopeIn(known)) };
      return { user: viewOfUser({ ...row, ...what }), session, before };
    });
    // Whoever may less now, or nothing: what was begun before ends.
    await accounts.watched.someEnded();
    if ("refusal" in outcome) {
      if (outcome.keptOut !== undefined) keptOut(outcome.keptOut);
      throw outcome.refusal;
    }
    return outcome;
  }

  #accountOf(db: Queries, subject: string): Promise<AccountRow | undefined> {
    return db
      .selectFrom("accounts")
      .selectAll()
      .where("oidcIssuer", "=", this.#options.oidc.issuer.href)
      .where("oidcSubject", "=", subject)
      .forUpdate()
      .executeTakeFirst();
  }

  /** Who has no role at the provider any more has none here either: not by a session of before, nor by a token. */
  async #keepOut(db: Queries, known: AccountRow | undefined): Promise<ApiError> {
    if (known !== undefined) {
      await endSessionsOf(db, known.userName);
      await withdrawTokensOf(db, known.userName);
    }
    const { roleClaims } = this.#options.oidc;
    return new ApiError(
      "oidc-no-role",
      `The provider names no role for you that this server knows (${roleClaims.join(" or ")}). Ask whoever gives roles there.`,
    );
  }

  async #newAccount(
    db: Queries,
    { subject, claims }: Identity,
    what: Pick<AccountRow, "role" | "scope">,
  ): Promise<AccountRow | ApiError> {
    const { oidc, clock } = this.#options;
    const userName = userNameOf(claims, oidc);
    if (userName === undefined)
      return new ApiError(
        "oidc-name",
        `The provider's ${oidc.userNameClaim} is none, or has other characters than a-z, 0-9 and . _ @ -, or more than 64. Have it changed there, or name another claim (--oidc-user-name-claim).`,
      );
    const row: AccountRow = {
      ...{ userName, ...what, passwordHash: "", mustChangePassword: false },
      ...{ createdAt: clock.wallMs(), lastSignedInAt: null, oidcIssuer: oidc.issuer.href, oidcSubject: subject },
    };
    const made = await db
      .insertInto("accounts")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning("userName")
      .executeTakeFirst();
    if (made !== undefined) return row;
    // Made by another sign-in at the same moment, or somebody else's.
    const meanwhile = await this.#accountOf(db, subject);
    return (
      meanwhile ??
      new ApiError(
        "oidc-name",
        `There is an account ${userName} already, which is not yours. An administrator can delete it, or have your name changed at the provider.`,
      )
    );
  }

  /** Ends sessions that the provider says are over. Returns whose they were. */
  async signedOut(told: { id: string; subject: string | undefined; session: string | undefined }): Promise<string[]> {
    const { storage, accounts, clock, oidc } = this.#options;
    const ended = await storage.transaction(async ({ db }) => {
      // A token that comes again must not end what was begun since.
      if (!(await useOnce(db, `logout ${told.id}`, clock.steadyMs()))) return [];
      return db
        .deleteFrom("userSessions")
        .where("userName", "in", (q) =>
          q
            .selectFrom("accounts")
            .select("userName")
            .where("oidcIssuer", "=", oidc.issuer.href)
            .$if(told.subject !== undefined, (of) => of.where("oidcSubject", "=", told.subject!)),
        )
        .where("oidcToken", "is not", null)
        .$if(told.session !== undefined, (q) => q.where("oidcSession", "=", told.session!))
        .returning("userName")
        .execute();
    });
    await accounts.watched.someEnded();
    return [...new Set(ended.map(({ userName }) => userName))];
  }
}
