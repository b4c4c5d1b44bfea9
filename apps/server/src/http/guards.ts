// Who may ask, from the route's `access` alone.

import type { RequestHandler } from "express";
import type { Access } from "@flipside/api/route";
import type { Accounts } from "../features/accounts/accounts.ts";
import { requireAccess, requireOwnOrigin } from "../features/accounts/authentication.ts";
import { equalInConstantTime } from "../equal-in-constant-time.ts";

export interface GuardOptions {
  accounts: Accounts;
  allowedOrigins: readonly string[];
  /** Without it, there are no routes for a broker. */
  brokerSecret: string | undefined;
}

/** Leaves the router when the path's secret is another: what follows then is what follows every unknown address. */
function requireBrokerSecret(secret: string): RequestHandler {
  return (request, _response, next) => {
    if (equalInConstantTime(Buffer.from(String(request.params["secret"])), Buffer.from(secret))) next();
    else next("router");
  };
}

export function guardsFor(options: GuardOptions): (access: Access) => RequestHandler[] {
  const ownOrigin = requireOwnOrigin(options.allowedOrigins);
  return (access) => {
    switch (access) {
      case "anybody":
        return [ownOrigin];
      case "broker":
        return [
          options.brokerSecret === undefined
            ? (_request, _response, next) => next("router")
            : requireBrokerSecret(options.brokerSecret),
        ];
      default:
        return [ownOrigin, requireAccess(options.accounts, access)];
    }
  };
}
