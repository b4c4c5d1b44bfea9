// Whether there is a rollout, for reads of what is kept beside it.

import { ApiError } from "../../http/errors.ts";
import type { Queries } from "../../storage/storage.ts";

/** Throws ApiError when there is none, or it was deleted. */
export async function checkKnownRollout(db: Queries, id: string): Promise<void> {
  const row = await db
    .selectFrom("rollouts")
    .select("id")
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .executeTakeFirst();
  if (row === undefined) throw new ApiError("not-found", "There is no such rollout.");
}
