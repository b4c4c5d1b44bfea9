// Orders of devices: by their ids, by when they were heard of or have enrolled, by the version that they run. Each has
// an index, which is gone along from the place where the page before has ended: (what is sorted by, id). Devices that
// have the same there are in the order of their ids; who has none, such as who was never heard of, is the least.

import type { DeviceSort } from "@flipside/api/device-sorts";
import { compareVersions } from "@flipside/api/version-order";
import { sql, type SqlBool } from "kysely";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

export type Place = readonly [key: string | number, id: string];

export interface DeviceOrder {
  /** The places behind this one, at most so many: fewer are all. */
  behind(db: Queries, after: Place | undefined, most: number): Promise<Place[]>;
  placeOf(row: DeviceRow): Place;
  compare(one: Place, other: Place): number;
}

type Direction = "asc" | "desc";

const byBytes = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
const turned =
  (direction: Direction, compare: DeviceOrder["compare"]): DeviceOrder["compare"] =>
  (one, other) =>
    (direction === "asc" ? 1 : -1) * compare(one, other);

/** Of a time; `idOf`: of the table that it is kept in. */
function byTime(
  direction: Direction,
  read: (db: Queries, after: Place | undefined, most: number) => Promise<Place[]>,
  timeOf: (row: DeviceRow) => number,
): DeviceOrder {
  return {
    behind: read,
    placeOf: (row) => [timeOf(row), row.id],
    compare: turned(direction, (one, other) => Number(one[0]) - Number(other[0]) || byBytes(one[1], other[1])),
  };
}

/** As a row of both columns, which an index over both answers at once. */
const isBehind = (direction: Direction, time: string, id: string, [at, deviceId]: Place) => {
  const sign = sql.raw(direction === "asc" ? ">" : "<");
  return sql<SqlBool>`(${sql.ref(time)}, ${sql.ref(id)}) ${sign} (${at}, ${deviceId})`;
};

const byLastSeen = (direction: Direction): DeviceOrder =>
  byTime(
    direction,
    async (db, after, most) => {
      const rows = await db
        .selectFrom("devicesSeen")
        .select(["at", "deviceId"])
        .$if(after !== undefined, (q) => q.where(isBehind(direction, "at", "deviceId", after!)))
        .orderBy("at", direction)
        .orderBy("deviceId", direction)
        .limit(most)
        .execute();
      return rows.map(({ at, deviceId }) => [at, deviceId]);
    },
    ({ lastSeenAt }) => lastSeenAt ?? -1,
  );

const byEnrolment = (direction: Direction): DeviceOrder =>
  byTime(
    direction,
    async (db, after, most) => {
      const rows = await db
        .selectFrom("devices")
        .select(["enrolledAt", "id"])
        .$if(after !== undefined, (q) => q.where(isBehind(direction, "enrolledAt", "id", after!)))
        .orderBy("enrolledAt", direction)
        .orderBy("id", direction)
        .limit(most)
        .execute();
      return rows.map(({ enrolledAt, id }) => [enrolledAt, id]);
    },
    ({ enrolledAt }) => enrolledAt,
  );

const byId = (direction: Direction): DeviceOrder => ({
  async behind(db, after, most) {
    const rows = await db
      .selectFrom("devices")
      .select("id")
      .$if(after !== undefined, (q) => q.where("id", direction === "asc" ? ">" : "<", after![1]))
      .orderBy("id", direction)
      .limit(most)
      .execute();
    return rows.map(({ id }) => ["", id]);
  },
  placeOf: ({ id }) => ["", id],
  compare: turned(direction, (one, other) => byBytes(one[1], other[1])),
});

/** Never checked in. */
const noVersion = "";
const keyOf = (version: string | null): string => (version === null ? noVersion : `v${version}`);
const versionOf = (key: string): string | null => (key === noVersion ? null : key.slice(1));

/** By Semantic Versioning; before all that are versions comes what is none; equal ones are by their letters. */
function compareKeys(one: string, other: string): number {
  const known = compareVersions(one.slice(1), other.slice(1));
  if (known !== undefined) return known || byBytes(one, other);
  const isVersion = (key: string): boolean => compareVersions(key.slice(1), key.slice(1)) !== undefined;
  return Number(isVersion(one)) - Number(isVersion(other)) || byBytes(one, other);
}

/** No index has the order of versions, but one has the devices of each, and there are few of those. */
function byVersion(direction: Direction): DeviceOrder {
  const compare = turned(
    direction,
    (one, other) => compareKeys(String(one[0]), String(other[0])) || byBytes(one[1], other[1]),
  );
  const keys = async (db: Queries): Promise<string[]> => {
    const rows = await db.selectFrom("deviceCounts").select("version").distinct().execute();
    return rows.map(({ version }) => keyOf(version)).sort((one, other) => compare([one, ""], [other, ""]));
  };
  return {
    async behind(db, after, most) {
      const found: Place[] = [];
      for (const key of await keys(db)) {
        if (after !== undefined && compare([key, ""], [after[0], ""]) < 0) continue;
        const version = versionOf(key);
        const rows = await db
          .selectFrom("devices")
          .select("id")
          .where("runningVersion", version === null ? "is" : "=", version)
          .$if(key === after?.[0], (q) => q.where("id", direction === "asc" ? ">" : "<", after![1]))
          .orderBy("id", direction)
          .limit(most - found.length)
          .execute();
        for (const { id } of rows) found.push([key, id]);
        if (found.length === most) break;
      }
      return found;
    },
    placeOf: ({ runningVersion, id }) => [keyOf(runningVersion), id],
    compare,
  };
}

const orders = { id: byId, lastSeenAt: byLastSeen, enrolledAt: byEnrolment, version: byVersion };

export function orderOf(sort: DeviceSort): DeviceOrder {
  const isTurned = sort.startsWith("-");
  return orders[(isTurned ? sort.slice(1) : sort) as keyof typeof orders](isTurned ? "desc" : "asc");
}
