// Commands to devices; and the server's address as a device's check-in says it.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index, add }) => {
  await table(db, "commands", [
    "position: rowNumber",
    "id: text not null unique",
    `deviceId: text not null references "devices" ("id")`,
    "kind: text not null",
    "host: text",
    "port: integer",
    "state: text not null",
    "code: integer not null",
    "createdAt: milliseconds not null",
    "createdBy: text not null",
    "expiresAt: milliseconds not null",
    "sentAt: milliseconds",
    "bootWhenSent: integer",
    "finishedAt: milliseconds",
  ]);
  await index(db, "commandsByDevice", "commands", ["deviceId", "position"]);
  await index(db, "openCommands", "commands", ["expiresAt"], { where: `"finishedAt" is null` });
  await add(db, "devices", "connection: text");
};
