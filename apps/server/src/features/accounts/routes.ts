// /api/session

import { Router } from "express";
import { z } from "zod";
import type { Accounts, User } from "./accounts.ts";
import { clearSessionCookie, requireUser, setSessionCookie, tokenOf, userOf } from "./authentication.ts";

/** scrypt takes any length, but nobody has to hash megabytes for a stranger. */
const passwordCharactersMax = 200;

const credentials = z.strictObject({ userName: z.string().min(1).max(100), password: z.string().min(1).max(passwordCharactersMax) });
const passwordChange = z.strictObject({
  currentPassword: z.string().min(1).max(passwordCharactersMax),
  newPassword: z.string().min(10, "at least 10 characters").max(passwordCharactersMax),
});

const shown = ({ userName, role, mustChangePassword }: User): User => ({ userName, role, mustChangePassword });

export function sessionRoutes(accounts: Accounts): Router {
  const router = Router();
  router.post("/session", async (request, response) => {
    const { userName, password } = credentials.parse(request.body);
    const { user, token } = await accounts.signIn(userName, password, request.ip ?? "");
    setSessionCookie(request, response, token);
    response.json(shown(user));
  });
  router.get("/session", requireUser(accounts, { passwordMayBeOld: true }), (_request, response) => {
    response.json(shown(userOf(response)));
  });
  router.delete("/session", async (request, response) => {
    const token = tokenOf(request);
    if (token !== undefined) await accounts.signOut(token);
    clearSessionCookie(request, response);
    response.status(204).end();
  });
  router.post("/session/password", requireUser(accounts, { passwordMayBeOld: true }), async (request, response) => {
    const { currentPassword, newPassword } = passwordChange.parse(request.body);
    const { user, token } = await accounts.changePassword(userOf(response).userName, currentPassword, newPassword, request.ip ?? "");
    setSessionCookie(request, response, token);
    response.json(shown(user));
  });
  return router;
}
