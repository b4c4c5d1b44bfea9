// /api/v1/rollouts/:id/failures and /api/v1/releases/:id/failures

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import type { Queries } from "../../storage/storage.ts";
import { failureKeys, failureList, failurePage } from "./failures.ts";

async function digestsOf(db: Queries, releaseId: string): Promise<string[]> {
  const rows = await db.selectFrom("images").select("digest").where("releaseId", "=", releaseId).execute();
  if (rows.length === 0) throw new ApiError("not-found", "There is no such release.");
  return rows.map(({ digest }) => digest);
}

async function checkRollout(db: Queries, id: string): Promise<void> {
  const row = await db
    .selectFrom("rollouts")
    .select("id")
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .executeTakeFirst();
  if (row === undefined) throw new ApiError("not-found", "There is no such rollout.");
}

export function failureRoutes(db: Queries): BoundRoute[] {
  return [
    bind(routes.listRolloutFailures, async ({ params: { id }, query }) => {
      await checkRollout(db, id);
      return failurePage(db, { rolloutId: id }, pageOf(failureList, failureKeys, query));
    }),
    bind(routes.listReleaseFailures, async ({ params: { id }, query, user: { scope } }) => {
      const digests = await digestsOf(db, id);
      return failurePage(db, { digests, scope }, pageOf(failureList, failureKeys, query));
    }),
  ];
}
