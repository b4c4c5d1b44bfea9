// /api/claims

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { Claims } from "./claims.ts";

export function claimRoutes(claims: Claims): BoundRoute[] {
  return [bind(routes.importClaims, ({ body }) => claims.import(body.claims))];
}
