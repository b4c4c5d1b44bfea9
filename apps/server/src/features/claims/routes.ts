// /api/v1/claims

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { claimList, type Claims } from "./claims.ts";

export function claimRoutes(claims: Claims): BoundRoute[] {
  return [
    bind(routes.listClaims, ({ query }) =>
      claims.list(pageOf(claimList, ["string"], query), { waiting: query.waiting === "yes" }),
    ),
    bind(routes.importClaims, ({ body: { claims: given, ...rules } }) => claims.import(given, rules)),
    bind(routes.withdrawClaim, async ({ params, note }) => {
      note({ before: await claims.withdraw(params.deviceId) });
      return undefined;
    }),
    bind(routes.approveClaim, ({ params, body, user }) =>
      claims.approve(params.deviceId, Buffer.from(body.publicKey, "base64url"), user.userName),
    ),
  ];
}
