// hawkBit's DDI, put together: devices that exist today join the fleet without an agent of ours. They are devices like
// all others; what is their own is here, and is mounted only where it is switched on.

import type { Router } from "express";
import type { Common } from "../other-agents/common.ts";
import { createAuthentication, type HawkbitAccess } from "./authentication.ts";
import { createDesk } from "./desk.ts";
import { createTakingFeedback } from "./feedback.ts";
import { hawkbitRoutes } from "./routes.ts";

export interface HawkbitOptions extends HawkbitAccess {
  /** How often devices are told to poll; whole seconds. */
  pollMs?: number | undefined;
}

/** As a hawkBit server's own. */
export const hawkbitPollMsDefault = 300_000;

export function createHawkbit({ pollMs = hawkbitPollMsDefault, ...access }: HawkbitOptions, common: Common): Router {
  return hawkbitRoutes({
    ...common,
    authentication: createAuthentication({ ...common, access, wallMs: common.clock.wallMs }),
    desk: createDesk(common),
    feedback: createTakingFeedback(common),
    pollMs,
  });
}
