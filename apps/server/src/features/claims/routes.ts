// /api/v1/claims

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { claimList, type Claims } from "./claims.ts";

export function claimRoutes(claims: Claims): BoundRoute[] {
  return [
    bind(routes.listClaims, ({ query }) => claims.list(pageOf(claimList, ["string"], query))),
    bind(routes.importClaims, ({ body }) => claims.import(body.claims)),
  ];
}
