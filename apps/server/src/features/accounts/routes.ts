// /api/v1/session: signing in and out, and one's own sessions and tokens.

import { routes } from "@flipside/api/routes";
import type { User } from "@flipside/api/types";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { shownScope } from "../../storage/stored-scope.ts";
import type { Accounts } from "./accounts.ts";
import type { SignedIn } from "./signed-in.ts";
import { tokenKeys, tokenList } from "./api-tokens.ts";
import {
  cameFrom,
  checkOwnPassword,
  clearSessionCookie,
  sessionOf,
  setSecondStepCookie,
  setSessionCookie,
} from "./authentication.ts";
import { userSessionKeys, userSessionList } from "./user-sessions.ts";

const shown = ({ userName, role, mustChangePassword, signsInWith, scope, may }: SignedIn): User => ({
  ...{ userName, role, mustChangePassword, signsInWith, scope: shownScope(scope) },
  may: [...may],
});

export function sessionRoutes(accounts: Accounts): BoundRoute[] {
  const { sessions, tokens, watched } = accounts;
  return [
    bind(routes.signIn, async ({ body, note, request, response }) => {
      if (await accounts.isKnown(body.userName)) note({ account: body.userName });
      const begun = await accounts.signIn(body.userName, body.password, cameFrom(request));
      if ("secondStep" in begun) {
        setSecondStepCookie(request, response, begun.secondStep);
        throw new ApiError(
          "second-factor-needed",
          "Go on in the console with your passkey or a recovery code. Programs come with a token.",
        );
      }
      note({}, begun.user.userName);
      setSessionCookie(request, response, begun.session);
      return begun.user;
    }),
    bind(routes.currentUser, ({ user }) => shown(user)),
    bind(routes.signOut, async ({ note, request, response }) => {
      const session = sessionOf(request);
      const userName = session && (await accounts.signOut(session));
      if (userName !== undefined) note({}, userName);
      clearSessionCookie(request, response);
      return undefined;
    }),
    bind(routes.changePassword, async ({ body, user: signedIn, request, response }) => {
      const passwords = { current: body.currentPassword, new: body.newPassword };
      const { user, session } = await accounts.changePassword(signedIn.userName, passwords, cameFrom(request));
      setSessionCookie(request, response, session);
      return user;
    }),
    bind(routes.listOwnSessions, ({ query, user }) =>
      sessions.list(pageOf(userSessionList, userSessionKeys, query), { userName: user.userName, current: user.by.id }),
    ),
    bind(routes.endOwnSession, async ({ params, user }) => {
      if (!(await sessions.end(params.id, user.userName)))
        throw new ApiError("not-found", "You have no such session; it may be over already.");
      await watched.someEnded();
      return undefined;
    }),
    bind(routes.listOwnTokens, ({ query, user }) => tokens.list(pageOf(tokenList, tokenKeys, query), user.userName)),
    bind(routes.createToken, ({ body, user }) => {
      checkOwnPassword(user);
      return tokens.make(user, body);
    }),
    bind(routes.withdrawOwnToken, async ({ params, user }) => {
      if (!(await tokens.withdraw(params.id, user.userName)))
        throw new ApiError("not-found", "You have no such token; it may be withdrawn already.");
      await watched.someEnded();
      return undefined;
    }),
  ];
}
