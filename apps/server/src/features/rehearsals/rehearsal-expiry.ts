// Rehearsals are kept for some days: the fleet that they were about is another one by then.

import type { Expiring } from "../retention/retention.ts";

const keepMs = 7 * 86_400_000;
const rehearsalsAtATime = 100;

export const expiringRehearsals: Expiring = {
  what: "rehearsals",
  keepMs,
  async removeSome(db, before) {
    const { numDeletedRows } = await db
      .deleteFrom("rehearsals")
      .where("id", "in", (q) =>
        q
          .selectFrom("rehearsals")
          .select("id")
          .where("createdAt", "<", before)
          .orderBy("createdAt")
          .orderBy("id")
          .limit(rehearsalsAtATime),
      )
      .executeTakeFirstOrThrow();
    const removed = Number(numDeletedRows);
    return { removed, after: removed === rehearsalsAtATime ? removed : null };
  },
};
