// Entries of devices' logs that are older than they are kept for; of each device only some are there anyhow.

import type { Expiring } from "../retention/retention.ts";

const rowsAtATime = 500;

export const expiringDeviceLog = (keepMs: number): Expiring => ({
  what: "device-log",
  keepMs,
  async removeSome(db, before) {
    const { numDeletedRows } = await db
      .deleteFrom("deviceLog")
      .where("id", "in", (q) =>
        q.selectFrom("deviceLog").select("id").where("at", "<", before).orderBy("at").limit(rowsAtATime),
      )
      .executeTakeFirstOrThrow();
    const removed = Number(numDeletedRows);
    return { removed, after: removed < rowsAtATime ? null : 0 };
  },
});
