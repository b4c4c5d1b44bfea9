// How many devices there are, and of what kinds. The database notes each change of a device as a row of its own
// (migration 0016), so that no device's transaction waits for another's; here the rows are added up.

import type { Scope } from "@flipside/api/scope";
import type { DeviceSummary } from "@flipside/api/types";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { devicesWithin } from "../scopes/scopes.ts";

const versionsListed = 50;
/** Before rows are added up. */
const rowsMin = 1_000;

/** Of `revoked`. */
const deleted = 2;

export interface DeviceCounts {
  summary(scope: Scope): Promise<DeviceSummary>;
  /** Adds rows up, when there are many. */
  tick(): Promise<void>;
}

interface Kind {
  health: DeviceRow["health"];
  version: string | null;
  /** 0 or 1, or `deleted`. */
  revoked: number;
  count: number;
}

const ofAll = (db: Queries): Promise<Kind[]> =>
  db
    .selectFrom("deviceCounts")
    .select((q) => ["health", "version", "revoked", q.fn.sum<number>("count").as("count")])
    .groupBy(["health", "version", "revoked"])
    .execute();

/** Each device of the scope is looked at, by the index of tags. */
async function ofScope(db: Queries, scope: readonly string[]): Promise<Kind[]> {
  const rows = await db
    .selectFrom("devices")
    .select((q) => [
      ...(["health", "runningVersion as version"] as const),
      q("revokedAt", "is not", null).as("isRevoked"),
      q.fn.countAll<number>().as("count"),
    ])
    .where("deletedAt", "is", null)
    .where("id", "in", devicesWithin(db, scope))
    .groupBy((q) => ["health", "runningVersion", q("revokedAt", "is not", null)])
    .execute();
  return rows.map(({ isRevoked, ...row }) => ({ ...row, revoked: isRevoked ? 1 : 0 }));
}

const idsAtATime = 500;

async function countOf(db: Queries, ids: readonly string[], scope: readonly string[]): Promise<number> {
  let count = 0;
  for (let from = 0; from < ids.length && scope.length > 0; from += idsAtATime) {
    const { within } = await db
      .selectFrom("deviceTags")
      .select((q) => q.fn.count<number>("deviceId").distinct().as("within"))
      .where("deviceId", "in", ids.slice(from, from + idsAtATime))
      .where("tag", "in", scope)
      .executeTakeFirstOrThrow();
    count += Number(within);
  }
  return count;
}

export function createDeviceCounts(storage: Storage, online: () => readonly string[]): DeviceCounts {
  /** More than there are kinds, or nothing is won. */
  let rowsMax = rowsMin;

  async function summary(scope: Scope): Promise<DeviceSummary> {
    const { db } = storage;
    const rows = await (scope === null ? ofAll(db) : ofScope(db, scope));
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
      online: scope === null ? online().length : await countOf(db, online(), scope),
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
