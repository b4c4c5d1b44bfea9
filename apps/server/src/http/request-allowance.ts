// How often one account, or one of its tokens, may ask: a script that runs away is not to take the server from
// everybody else. Each answer says what is left (draft-ietf-httpapi-ratelimit-headers-08: RateLimit, RateLimit-Policy).

import type { RequestHandler } from "express";
import { rateLimit } from "express-rate-limit";
import { userOf } from "../features/accounts/authentication.ts";
import { ApiError } from "./errors.ts";

const windowMs = 60_000;

/** Many times what the console and a script need. */
export const requestsPerMinuteDefault = 30_000;

/** After it is known who asks. Of several servers, each counts for itself. */
export function requestAllowance(requestsPerMinute: number): RequestHandler {
  return rateLimit({
    windowMs,
    limit: requestsPerMinute,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    identifier: "requests",
    keyGenerator: (_request, response) => {
      const { userName, by } = userOf(response);
      return by.kind === "token" ? `token ${by.id}` : `account ${userName}`;
    },
    // Retry-After is set by then.
    handler: () => {
      throw new ApiError("too-many-requests", `${requestsPerMinute} requests a minute are the limit. Ask less often.`);
    },
  });
}
