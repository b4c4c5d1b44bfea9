// /api/v1/rollouts/:id/failures and /api/v1/releases/:id/failures

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import type { Queries } from "../../storage/storage.ts";
import { imagesOf, releaseOf } from "../releases/stored.ts";
import { checkKnownRollout } from "../rollouts/known-rollout.ts";
import { failureKeys, failureList, failurePage } from "./failures.ts";

async function digestsOf(db: Queries, releaseId: string): Promise<string[]> {
  if ((await releaseOf(db, releaseId)) === undefined) throw new ApiError("not-found", "There is no such release.");
  return (await imagesOf(db, releaseId)).map(({ digest }) => digest);
}

export function failureRoutes(db: Queries): BoundRoute[] {
  return [
    bind(routes.listRolloutFailures, async ({ params: { id }, query }) => {
      await checkKnownRollout(db, id);
      return failurePage(db, { rolloutId: id }, pageOf(failureList, failureKeys, query));
    }),
    bind(routes.listReleaseFailures, async ({ params: { id }, query, user: { scope } }) => {
      const digests = await digestsOf(db, id);
      return failurePage(db, { digests, scope }, pageOf(failureList, failureKeys, query));
    }),
  ];
}
