// /api/v1/accounts, /api/v1/sessions, /api/v1/tokens: what administrators see and change of everybody's.

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { type AccountManagement, accountList } from "./account-management.ts";
import type { Accounts } from "./accounts.ts";
import { tokenKeys, tokenList } from "./api-tokens.ts";
import { userSessionKeys, userSessionList } from "./user-sessions.ts";

export function accountRoutes(management: AccountManagement, accounts: Accounts): BoundRoute[] {
  const { sessions, tokens, watched } = accounts;
  return [
    bind(routes.listAccounts, ({ query }) => management.list(pageOf(accountList, ["string"], query))),
    bind(routes.createAccount, ({ body }) => management.create(body)),
    bind(routes.changeRole, async ({ params, body, note }) => {
      const { account, before } = await management.changeRole(params.userName, body.role);
      note({ before: { role: before }, after: { role: account.role } });
      return account;
    }),
    bind(routes.changeScope, async ({ params, body, note }) => {
      const { account, before } = await management.changeScope(params.userName, body.scope);
      note({ before: { scope: before }, after: { scope: account.scope } });
      return account;
    }),
    bind(routes.resetPassword, async ({ params, note }) => {
      const { account, oneTimePassword, passkeysRemoved } = await management.resetPassword(params.userName);
      note({ passkeysRemoved });
      return { account, oneTimePassword };
    }),
    bind(routes.deleteAccount, async ({ params, note }) => {
      note({ before: await management.delete(params.userName) });
      return undefined;
    }),
    bind(routes.listSessions, ({ query, user }) =>
      sessions.list(pageOf(userSessionList, userSessionKeys, query), { userName: undefined, current: user.by.id }),
    ),
    bind(routes.endSession, async ({ params }) => {
      if (!(await sessions.end(params.id))) throw new ApiError("not-found", "There is no such session any more.");
      await watched.someEnded();
      return undefined;
    }),
    bind(routes.listTokens, ({ query }) => tokens.list(pageOf(tokenList, tokenKeys, query), undefined)),
    bind(routes.withdrawToken, async ({ params }) => {
      if (!(await tokens.withdraw(params.id))) throw new ApiError("not-found", "There is no such token any more.");
      await watched.someEnded();
      return undefined;
    }),
  ];
}
