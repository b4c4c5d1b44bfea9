// What servers that use one database together know of each other. One that uses it alone leaves all of it empty.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index, add }) => {
  await add(db, "changes", "member: text");
  await table(db, "members", [
    "id: text primary key",
    "name: text not null",
    "startedAt: milliseconds not null",
    "heartbeatAt: milliseconds not null",
    "steadyMs: milliseconds not null",
    "isFull: integer not null",
    "deadAt: milliseconds",
  ]);
  await table(db, "deviceOwners", [
    "deviceId: text primary key",
    "memberId: text",
    "generation: integer not null",
    "isSilent: integer not null",
    "since: milliseconds not null",
  ]);
  await index(db, "devicesByOwner", "deviceOwners", ["memberId"], { where: `"memberId" is not null` });
  await table(
    db,
    "signInCounters",
    [
      "kind: text not null",
      "key: text not null",
      "failures: integer not null",
      "since: milliseconds not null",
      "nextAt: milliseconds not null",
    ],
    `primary key ("kind", "key")`,
  );
  await table(
    db,
    "signInWelcome",
    ["account: text not null", "network: text not null", "at: milliseconds not null"],
    `primary key ("account", "network")`,
  );
};
