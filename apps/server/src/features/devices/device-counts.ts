// How many devices there are, and of what kinds. The database notes each change of a device as a row of its own
// (migration 0016), so that no device's transaction waits for another's; here the rows are added up.

import type { DeviceSummary } from "@flipside/api/types";
import type { Storage } from "../../storage/storage.ts";

const versionsListed = 50;
/** Before rows are added up. */
const rowsMin = 1_000;

/** Of `revoked`. */
const deleted = 2;

export interface DeviceCounts {
  summary(): Promise<DeviceSummary>;
  /** Adds rows up, when there are many. */
  tick(): Promise<void>;
}

export function createDeviceCounts(storage: Storage, countOnline: () => number): DeviceCounts {
  /** More than there are kinds, or nothing is won. */
  let rowsMax = rowsMin;

  async function summary(): Promise<DeviceSummary> {
    const rows = await storage.db
      .selectFrom("deviceCounts")
      .select((q) => ["health", "version", "revoked", q.fn.sum<number>("count").as("count")])
      .groupBy(["health", "version", "revoked"])
      .execute();
    const health = { healthy: 0, unhealthy: 0, unknown: 0 };
    const versions = new Map<string | null, number>();
    let revoked = 0;
    for (const row of rows) {
      const count = Number(row.count);
      if (row.revoked === deleted) continue;
      if (row.revoked) {
        revoked += count;
        continue;
      }
      health[row.health] += count;
      versions.set(row.version, (versions.get(row.version) ?? 0) + count);
    }
    const listed = [...versions]
      .filter(([, count]) => count > 0)
      .sort(([one, ones], [other, others]) => others - ones || ((one ?? "") < (other ?? "") ? -1 : 1))
      .map(([version, count]) => ({ version, count }));
    return {
      total: revoked + health.healthy + health.unhealthy + health.unknown,
      online: countOnline(),
      revoked,
      health,
      versions: listed.slice(0, versionsListed),
      otherVersions: listed.slice(versionsListed).reduce((sum, { count }) => sum + count, 0),
    };
  }

  return {
    summary,
    async tick() {
      const some = await storage.db.selectFrom("deviceCounts").select("id").orderBy("id").limit(rowsMax).execute();
      if (some.length < rowsMax) return;
      await storage.transaction(async ({ db }) => {
        const rows = await db
          .deleteFrom("deviceCounts")
          .where("id", "<=", some.at(-1)!.id)
          .returning(["health", "version", "revoked", "count"])
          .execute();
        const sums = new Map<string, (typeof rows)[number]>();
        for (const { count, ...kind } of rows) {
          const key = JSON.stringify(kind);
          sums.set(key, { ...kind, count: (sums.get(key)?.count ?? 0) + count });
        }
        const values = [...sums.values()].filter(({ count }) => count !== 0);
        for (let from = 0; from < values.length; from += rowsMin)
          await db
            .insertInto("deviceCounts")
            .values(values.slice(from, from + rowsMin))
            .execute();
        rowsMax = Math.max(rowsMin, 2 * values.length);
      });
    },
  };
}
