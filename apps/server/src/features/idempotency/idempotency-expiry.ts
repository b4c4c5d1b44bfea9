// What was answered to a request with a key is kept for a day: who asks again does so within minutes.

import type { Expiring } from "../retention/retention.ts";

const keepMs = 24 * 3_600_000;
const requestsAtATime = 500;

export const expiringIdempotentRequests: Expiring = {
  what: "idempotent-requests",
  keepMs,
  async removeSome(db, before) {
    const old = await db
      .selectFrom("idempotentRequests")
      .select(["userName", "keyHash"])
      .where("startedAt", "<", before)
      .orderBy("startedAt")
      .limit(requestsAtATime)
      .execute();
    for (const { userName, keyHash } of old)
      await db
        .deleteFrom("idempotentRequests")
        .where("userName", "=", userName)
        .where("keyHash", "=", keyHash)
        .execute();
    return { removed: old.length, after: old.length === requestsAtATime ? old.length : null };
  },
};
