// /api/v1/hawkbit

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { ApiError } from "../../http/errors.ts";
import type { Registration } from "./registration.ts";

/** Undefined: it is not switched on here. */
export function hawkbitAdminRoutes(registration: Registration | undefined): BoundRoute[] {
  function on(): Registration {
    if (registration !== undefined) return registration;
    throw new ApiError("hawkbit-off", "Start the server with --hawkbit yes (HAWKBIT=yes).");
  }
  return [
    bind(routes.registerHawkbitDevice, ({ body, user }) => on().register(body, user.userName)),
    bind(routes.renewTargetToken, ({ params, user }) => on().renewToken(params.id, user.userName)),
  ];
}
