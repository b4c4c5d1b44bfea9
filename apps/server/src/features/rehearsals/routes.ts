// /api/v1/rehearsals

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { rehearsalList, type Rehearsals } from "./rehearsals.ts";

export const rehearsalRoutes = (rehearsals: Rehearsals): BoundRoute[] => [
  bind(routes.createRehearsal, async ({ body, user, note }) => {
    const rehearsal = await rehearsals.create(body, user);
    note({ after: { id: rehearsal.id } });
    return rehearsal;
  }),
  bind(routes.listRehearsals, ({ query, user: { scope } }) =>
    rehearsals.list({ ...pageOf(rehearsalList, ["number", "string"], query), scope }),
  ),
  bind(routes.getRehearsal, ({ params, user }) => rehearsals.get(params.id, user.scope)),
  bind(routes.cancelRehearsal, ({ params, user }) => rehearsals.cancel(params.id, user.scope)),
];
