// The decisions of rollouts that ended long ago, with the looks at devices' health that they were taken on. A log goes
// as a whole, by when its rollout ended; of one that may still do something nothing goes.

import { deploymentStateNames, isFinalState } from "@flipside/image-format";
import type { Queries } from "../../storage/storage.ts";
import type { Expiring } from "../retention/retention.ts";

const rowsAtATime = 500;
/** Also who was away: such a device gets its offer when it is back. */
const openStates = deploymentStateNames.filter((state) => !isFinalState(state));

/** One that ended before then and has decisions; it is locked, so that nobody tries its devices again meanwhile. */
const nextOf = (db: Queries, before: number): Promise<{ id: string } | undefined> =>
  db
    .selectFrom("rollouts")
    .select("id")
    .where("finishedAt", "<", before)
    .where("state", "not in", ["running", "paused"])
    .where("preparing", "is", null)
    .where("sweeps", "is", null)
    .where("rollBackDue", "is", null)
    .where((q) =>
      q.exists(q.selectFrom("decisions").select("decisions.id").whereRef("decisions.rolloutId", "=", "rollouts.id")),
    )
    .where((q) =>
      q.not(
        q.exists(
          q
            .selectFrom("deploymentCounts")
            .select("deploymentCounts.count")
            .whereRef("deploymentCounts.rolloutId", "=", "rollouts.id")
            .where("deploymentCounts.state", "in", openStates)
            .where("deploymentCounts.count", ">", 0),
        ),
      ),
    )
    .orderBy("finishedAt")
    .limit(1)
    .forUpdate()
    .executeTakeFirst();

async function removeOf(db: Queries, table: "decisions" | "healthLooks", rolloutId: string): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom(table)
    .where("id", "in", (q) =>
      q.selectFrom(table).select("id").where("rolloutId", "=", rolloutId).orderBy("id").limit(rowsAtATime),
    )
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

export const expiringDecisions = (keepMs: number): Expiring => ({
  what: "decisions",
  keepMs,
  async removeSome(db, before) {
    const rollout = await nextOf(db, before);
    if (rollout === undefined) return { removed: 0, after: null };
    // Its decisions last: by those it is found.
    const looks = await removeOf(db, "healthLooks", rollout.id);
    if (looks > 0) return { removed: looks, after: 0 };
    const removed = await removeOf(db, "decisions", rollout.id);
    await db
      .updateTable("rollouts")
      .set((q) => ({ decisionCount: q("decisionCount", "-", removed) }))
      .where("id", "=", rollout.id)
      .execute();
    return { removed, after: 0 };
  },
});
