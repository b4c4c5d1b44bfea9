// What is desired of devices besides their image, and what became of it; and what the newer commands need: how long a
// device makes itself known, what one goes back from and to, and what its console had said.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add, index, table }) => {
  await table(
    db,
    "configurations",
    [
      `deviceId: text not null references "devices" ("id")`,
      "number: integer not null",
      "document: text not null",
      "digest: text not null",
      "createdAt: milliseconds not null",
      "createdBy: text not null",
      "sentAt: milliseconds",
      "inForceAt: milliseconds",
      "refusal: text",
    ],
    `primary key ("deviceId", "number")`,
  );
  await add(
    db,
    "devices",
    "configurationState: text not null default 'none'",
    "configurationDesired: integer",
    "configurationReported: text",
    "configurationRefusedBy: text",
  );
  await index(db, "devicesByConfiguration", "devices", ["configurationState", "id"]);
  await add(db, "commands", "seconds: integer", "leavesDigest: text", "goesToDigest: text");
  await table(db, "collectedLogs", [
    `commandId: text primary key references "commands" ("id")`,
    `deviceId: text not null references "devices" ("id")`,
    "collectedAt: milliseconds not null",
    "text: text not null",
  ]);
  await index(db, "collectedLogsByDevice", "collectedLogs", ["deviceId"]);
};
