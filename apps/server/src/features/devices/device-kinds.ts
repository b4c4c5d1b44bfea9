// The ids of devices of one kind, a piece at a time, where an index has them: of a tag, of a version, that are online.

import type { Source } from "@flipside/device-filter";
import type { Queries } from "../../storage/storage.ts";
import type { IdSource } from "./device-walk.ts";

const columns = {
  digest: "runningDigest",
  version: "runningVersion",
  slotState: "runningState",
  health: "health",
  bootReason: "bootReason",
  configuration: "configurationState",
} as const;

type Column = (typeof columns)[keyof typeof columns];

/** The least of these that come after, each once. */
const nextOf = (ids: readonly string[], after: string, most: number): string[] =>
  [...new Set(ids)]
    .filter((id) => id > after)
    .sort()
    .slice(0, most);

async function withValue(db: Queries, column: Column, value: string, after: string, most: number): Promise<string[]> {
  const rows = await db
    .selectFrom("devices")
    .select("id")
    .where(column, "=", value as never)
    .where("id", ">", after)
    .orderBy("id")
    .limit(most)
    .execute();
  return rows.map(({ id }) => id);
}

async function tagged(db: Queries, tag: string, after: string, most: number): Promise<string[]> {
  const rows = await db
    .selectFrom("deviceTags")
    .select("deviceId")
    .where("tag", "=", tag)
    .where("deviceId", ">", after)
    .orderBy("deviceId")
    .limit(most)
    .execute();
  return rows.map(({ deviceId }) => deviceId);
}

async function revoked(db: Queries, after: string, most: number): Promise<string[]> {
  const rows = await db
    .selectFrom("devices")
    .select("id")
    .where("revokedAt", "is not", null)
    .where("id", ">", after)
    .orderBy("id")
    .limit(most)
    .execute();
  return rows.map(({ id }) => id);
}

/** `online`: the ids of devices that are, in no order. */
export function idsOf({ field, values }: Source, online: () => readonly string[]): IdSource {
  const each =
    (read: (db: Queries, value: string, after: string, most: number) => Promise<string[]>): IdSource =>
    async (db, after, most) => {
      const found: string[] = [];
      for (const value of values) found.push(...(await read(db, String(value), after, most)));
      return nextOf(found, after, most);
    };
  switch (field) {
    case "id":
      return async (_db, after, most) => nextOf(values.map(String), after, most);
    case "online":
      return async (_db, after, most) => nextOf(online(), after, most);
    case "revoked":
      return revoked;
    case "tag":
      return each(tagged);
    default:
      return each((db, value, after, most) => withValue(db, columns[field], value, after, most));
  }
}
