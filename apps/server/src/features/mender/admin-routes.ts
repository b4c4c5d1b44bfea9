// /api/v1/mender

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { authSetList, type AuthSets } from "./auth-sets.ts";
import { readDeviceKey, readIdentity } from "./identity.ts";

function refuse(path: string, message: string): never {
  throw new ApiError("validation-failed", "The auth set can't be made.", { errors: [{ path, message }] });
}

/** Undefined: it is not switched on here. */
export function menderAdminRoutes(authSets: AuthSets | undefined): BoundRoute[] {
  function on(): AuthSets {
    if (authSets !== undefined) return authSets;
    throw new ApiError("mender-off", "Start the server with --mender yes (MENDER=yes).");
  }
  return [
    bind(routes.listMenderAuthSets, ({ query: { state, ...page } }) =>
      on().list(pageOf(authSetList, ["number", "string"], page), state),
    ),
    bind(routes.acceptMenderAuthSet, ({ params, body, user }) => on().accept(params.id, body, user.userName)),
    bind(routes.rejectMenderAuthSet, ({ params, user }) => on().reject(params.id, user.userName)),
    bind(routes.preauthorizeMenderDevice, ({ body: { identity, publicKey, ...admission }, user }) => {
      const sets = on();
      const who = readIdentity(JSON.stringify(identity)) ?? refuse("identity", "is too long, or has nothing in it");
      const key =
        readDeviceKey(publicKey) ??
        refuse("publicKey", "has to be a public key in PEM: RSA of 2048 to 8192 bits, ECDSA or Ed25519");
      return sets.preauthorize(who, key, admission, user.userName);
    }),
  ];
}
