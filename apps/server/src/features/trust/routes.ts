// /api/trust

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { Trust } from "./trust.ts";

export function trustRoutes(trust: Trust): BoundRoute[] {
  return [
    bind(routes.getTrust, () => trust.view()),
    bind(routes.uploadTrust, ({ body, user }) => trust.replace(body, user.userName)),
  ];
}
