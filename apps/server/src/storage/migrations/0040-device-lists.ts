// Devices in other orders than that of their ids, and lists that people keep.
//
// When a device was heard of last changes all the time. An index on it in `devices` would have PostgreSQL write every
// other index of that table anew with it, so it is kept once more, in a narrow table, by triggers.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index, followTimes }) => {
  await index(db, "devicesByEnrolment", "devices", ["enrolledAt", "id"]);
  await table(db, "devicesSeen", ["deviceId: text primary key", "at: milliseconds not null"]);
  await execute(
    db,
    `insert into "devicesSeen" ("deviceId", "at") select "id", coalesce("lastSeenAt", -1) from "devices"`,
  );
  await index(db, "devicesByLastSeen", "devicesSeen", ["at", "deviceId"]);
  await followTimes(db, { table: "devices", id: "id", time: "lastSeenAt", into: "devicesSeen" });
  await table(
    db,
    "deviceViews",
    [
      "id: text primary key",
      "owner: text not null",
      "name: text not null",
      "shared: integer not null",
      "filter: text not null",
      "query: text not null",
      "sort: text not null",
      "columns: text",
      "scope: text",
      "savedAt: milliseconds not null",
    ],
    `unique ("owner", "name")`,
  );
};
