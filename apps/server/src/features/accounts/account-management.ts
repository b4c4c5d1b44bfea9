// Accounts as administrators see and change them. There is always an administrator left.

import type { Role } from "@flipside/api/permissions";
import type { Scope } from "@flipside/api/scope";
import type { Account } from "@flipside/api/types";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { AccountRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { scopeColumn, scopeIn, shownScope } from "../../storage/stored-scope.ts";
import { type Accounts, checkHasPassword, signsInWith } from "./accounts.ts";
import { removeSecondFactorsOf } from "./challenges.ts";
import { withdrawTokensOf } from "./api-tokens.ts";
import { endSessionsOf } from "./user-sessions.ts";

/** As its cursors name it. */
export const accountList = "accounts";

export interface AccountManagement {
  list(page: PageAsked): Promise<{ accounts: Account[]; next: string | null }>;
  /** Throws ApiError for an administrator of a part of the fleet. */
  create(of: { userName: string; role: Role; scope: Scope }): Promise<{ account: Account; oneTimePassword: string }>;
  /** `before`: the role that it had. */
  changeRole(userName: string, role: Role): Promise<{ account: Account; before: Role }>;
  /** `before`: the scope that it had. */
  changeScope(userName: string, scope: Scope): Promise<{ account: Account; before: Scope }>;
  /** Its passkeys are gone, too: who has lost them comes in by it. */
  resetPassword(userName: string): Promise<{ account: Account; oneTimePassword: string; passkeysRemoved: number }>;
  /** Says what it was. */
  delete(userName: string): Promise<Account>;
}

const viewOf = (row: AccountRow): Account => ({
  ...{ userName: row.userName, role: row.role, mustChangePassword: row.mustChangePassword },
  ...{ signsInWith: signsInWith(row), scope: shownScope(scopeIn(row)) },
  ...{ createdAt: iso(row.createdAt), lastSignedInAt: isoOrNull(row.lastSignedInAt) },
});

async function find(db: Queries, userName: string): Promise<AccountRow> {
  const row = await db.selectFrom("accounts").selectAll().where("userName", "=", userName).executeTakeFirst();
  if (row === undefined) throw new ApiError("not-found", "There is no such account.");
  return row;
}

/**
 * Throws ApiError when it is the only administrator who signs in with a password: others can't while their provider is
 * out of reach, and it may take their role at any time. All of these are locked, so that two who demote each other at
 * once take turns.
 */
async function leavesAnother(db: Queries, row: AccountRow): Promise<void> {
  if (row.role !== "administrator" || row.oidcIssuer !== null) return;
  const administrators = await db
    .selectFrom("accounts")
    .select("userName")
    .where("role", "=", "administrator")
    .where("oidcIssuer", "is", null)
    .orderBy("userName")
    .forUpdate()
    .execute();
  if (administrators.some(({ userName }) => userName !== row.userName)) return;
  throw new ApiError(
    "last-administrator",
    `${row.userName} is the only administrator with a password. Make another one first: nobody could manage accounts any more.`,
  );
}

/** Throws ApiError: who manages accounts could see the whole fleet by another one. */
function checkSeesAll(role: Role, scope: Scope): void {
  if (scope === null || role !== "administrator") return;
  throw new ApiError("validation-failed", "An administrator sees the whole fleet. Choose another role, or no scope.", {
    errors: [{ path: "scope", message: "is to be null for an administrator" }],
  });
}

export function createAccountManagement(
  storage: Storage,
  accounts: Pick<Accounts, "newOneTimePassword" | "watched">,
  wallMs: () => number,
): AccountManagement {
  return {
    async list({ limit, after }) {
      const rows = await storage.db
        .selectFrom("accounts")
        .selectAll()
        .$if(after !== undefined, (q) => q.where("userName", ">", String(after![0])))
        .orderBy("userName")
        .limit(limit + 1)
        .execute();
      const page = paged(accountList, rows, limit, ({ userName }) => [userName]);
      return { accounts: page.rows.map(viewOf), next: page.next };
    },

    async create({ userName, role, scope }) {
      checkSeesAll(role, scope);
      const { password, passwordHash } = await accounts.newOneTimePassword();
      const row: AccountRow = {
        ...{ userName, role, passwordHash, mustChangePassword: true, createdAt: wallMs(), lastSignedInAt: null },
        ...{ oidcIssuer: null, oidcSubject: null, scope: scopeColumn(scope) },
      };
      const made = await storage.db
        .insertInto("accounts")
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .returning("userName")
        .executeTakeFirst();
      if (made === undefined)
        throw new ApiError("account-exists", `There is an account ${userName}. Choose another name.`);
      return { account: viewOf(row), oneTimePassword: password };
    },

    async changeRole(userName, role) {
      const changed = await storage.transaction(async ({ db }) => {
        const row = await find(db, userName);
        checkHasPassword(row, "its role is given");
        checkSeesAll(role, scopeIn(row));
        if (role !== row.role) await leavesAnother(db, row);
        await db.updateTable("accounts").set({ role }).where("userName", "=", userName).execute();
        return { account: viewOf({ ...row, role }), before: row.role };
      });
      await accounts.watched.someEnded();
      return changed;
    },

    async changeScope(userName, scope) {
      const changed = await storage.transaction(async ({ db }) => {
        const row = await find(db, userName);
        checkHasPassword(row, "what it sees is said");
        checkSeesAll(row.role, scope);
        const set = { scope: scopeColumn(scope) };
        await db.updateTable("accounts").set(set).where("userName", "=", userName).execute();
        return { account: viewOf({ ...row, ...set }), before: scopeIn(row) };
      });
      await accounts.watched.someEnded();
      return changed;
    },

    async resetPassword(userName) {
      const { password, passwordHash } = await accounts.newOneTimePassword();
      const done = await storage.transaction(async ({ db }) => {
        checkHasPassword(await find(db, userName), "its password is changed");
        const set = { passwordHash, mustChangePassword: true };
        await db.updateTable("accounts").set(set).where("userName", "=", userName).execute();
        await endSessionsOf(db, userName);
        await withdrawTokensOf(db, userName);
        const passkeysRemoved = await removeSecondFactorsOf(db, userName);
        return { account: viewOf(await find(db, userName)), passkeysRemoved };
      });
      await accounts.watched.someEnded();
      return { ...done, oneTimePassword: password };
    },

    async delete(userName) {
      const row = await storage.transaction(async ({ db }) => {
        const row = await find(db, userName);
        await leavesAnother(db, row);
        await endSessionsOf(db, userName);
        await withdrawTokensOf(db, userName);
        await removeSecondFactorsOf(db, userName);
        // Somebody else may have its name one day.
        const withdrawn = { state: "withdrawn" as const, decidedAt: wallMs() };
        await db
          .updateTable("proposals")
          .set(withdrawn)
          .where("userName", "=", userName)
          .where("state", "=", "waiting")
          .execute();
        await db.deleteFrom("deviceViews").where("owner", "=", userName).where("shared", "=", 0).execute();
        await db.deleteFrom("accounts").where("userName", "=", userName).execute();
        return row;
      });
      await accounts.watched.someEnded();
      return viewOf(row);
    },
  };
}
