// /api/v1/session/passkeys, and the second step of a sign-in.

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { ApiError } from "../../http/errors.ts";
import type { Accounts } from "../accounts/accounts.ts";
import {
  cameFrom,
  checkOwnPassword,
  clearSecondStepCookie,
  secondStepOf,
  setSessionCookie,
} from "../accounts/authentication.ts";
import type { Passkeys } from "./passkeys.ts";

export function passkeyRoutes(passkeys: Passkeys, accounts: Accounts): BoundRoute[] {
  return [...ownPasskeyRoutes(passkeys, accounts), ...secondStepRoutes(passkeys, accounts)];
}

/** Who only has a session, such as at a screen that was left open, can't change how its owner signs in. */
function ownPasskeyRoutes(passkeys: Passkeys, accounts: Accounts): BoundRoute[] {
  return [
    bind(routes.listPasskeys, ({ user }) => passkeys.list(user.userName)),
    bind(routes.beginPasskey, async ({ body, user, request }) => {
      checkOwnPassword(user);
      await accounts.checkPassword(user.userName, body.currentPassword, cameFrom(request));
      return passkeys.makingOptions(user.userName, user.by.id);
    }),
    bind(routes.addPasskey, async ({ body, user, note }) => {
      const added = await passkeys.add(user.userName, user.by.id, body);
      note({ after: added.passkey });
      return added;
    }),
    bind(routes.renamePasskey, ({ params, body, user }) => passkeys.rename(user.userName, params.id, body.name)),
    bind(routes.removePasskey, async ({ params, body, user, note, request }) => {
      checkOwnPassword(user);
      await accounts.checkPassword(user.userName, body.currentPassword, cameFrom(request));
      note({ before: await passkeys.remove(user.userName, params.id) });
      return undefined;
    }),
    bind(routes.renewRecoveryCodes, async ({ body, user, request }) => {
      checkOwnPassword(user);
      await accounts.checkPassword(user.userName, body.currentPassword, cameFrom(request));
      return { recoveryCodes: await passkeys.renewCodes(user.userName) };
    }),
  ];
}

function secondStepRoutes(passkeys: Passkeys, accounts: Accounts): BoundRoute[] {
  const { challenges } = accounts;
  return [
    bind(routes.secondStepOptions, async ({ request }) => {
      const text = secondStepOf(request);
      const challenge = text === undefined ? undefined : await challenges.find(text);
      if (challenge === undefined) throw new ApiError("second-step-over", "Begin with user name and password.");
      return passkeys.askingOptions(challenge);
    }),
    bind(routes.takeSecondStep, async ({ body, note, request, response }) => {
      const { user, session } = await accounts.takeSecondStep(secondStepOf(request), cameFrom(request), async (of) => {
        note({ account: of.userName });
        if ("passkey" in body) note({ by: `passkey ${(await passkeys.prove(body.passkey, of)).name}` });
        else note({ by: "recovery code", left: await passkeys.proveByCode(body.recoveryCode, of) });
      });
      note({}, user.userName);
      clearSecondStepCookie(request, response);
      setSessionCookie(request, response, session);
      return user;
    }),
  ];
}
