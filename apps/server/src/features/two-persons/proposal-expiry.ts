// Proposals that nobody can confirm any more are kept as long as the record of who did what, and go then.

import type { Expiring } from "../retention/retention.ts";

const proposalsAtATime = 500;

export const expiringProposals = (keepMs: number): Expiring => ({
  what: "proposals",
  keepMs,
  async removeSome(db, before) {
    const { numDeletedRows } = await db
      .deleteFrom("proposals")
      .where("id", "in", (q) =>
        q
          .selectFrom("proposals")
          .select("id")
          .where("askedAt", "<", before)
          .orderBy("askedAt")
          .orderBy("id")
          .limit(proposalsAtATime),
      )
      .executeTakeFirstOrThrow();
    const removed = Number(numDeletedRows);
    return { removed, after: removed === proposalsAtATime ? removed : null };
  },
});
