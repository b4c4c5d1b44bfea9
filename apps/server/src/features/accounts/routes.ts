// /api/session

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { Accounts, User } from "./accounts.ts";
import { clearSessionCookie, setSessionCookie, tokenOf } from "./authentication.ts";

const shown = ({ userName, role, mustChangePassword }: User): User => ({ userName, role, mustChangePassword });

export function sessionRoutes(accounts: Accounts): BoundRoute[] {
  return [
    bind(routes.signIn, async ({ body, request, response }) => {
      const { user, token } = await accounts.signIn(body.userName, body.password, request.ip ?? "");
      setSessionCookie(request, response, token);
      return shown(user);
    }),
    bind(routes.currentUser, ({ user }) => shown(user)),
    bind(routes.signOut, async ({ request, response }) => {
      const token = tokenOf(request);
      if (token !== undefined) await accounts.signOut(token);
      clearSessionCookie(request, response);
      return undefined;
    }),
    bind(routes.changePassword, async ({ body, user: signedIn, request, response }) => {
      const { user, token } = await accounts.changePassword(
        signedIn.userName,
        body.currentPassword,
        body.newPassword,
        request.ip ?? "",
      );
      setSessionCookie(request, response, token);
      return shown(user);
    }),
  ];
}
