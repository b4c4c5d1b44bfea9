// /api/v1/release-states

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { ReleaseStates } from "./release-states.ts";

export const releaseStateRoutes = (states: Pick<ReleaseStates, "list" | "take">): BoundRoute[] => [
  bind(routes.listReleaseStates, async () => ({ states: await states.list() })),
  bind(routes.uploadReleaseState, async ({ body, user, note }) => {
    const taken = await states.take(body, user.userName);
    note({ after: taken });
    return taken;
  }),
];
