// Who did what, each line chained to the one before.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index }) => {
  await table(db, "auditLines", [
    "number: integer primary key",
    "text: text not null",
    "hash: text not null",
    "at: milliseconds not null",
    "who: text",
    "what: text not null",
  ]);
  await index(db, "auditLinesByWho", "auditLines", ["who", "number"]);
  await index(db, "auditLinesByWhat", "auditLines", ["what", "number"]);
  await index(db, "auditLinesByAge", "auditLines", ["at"]);
  await table(db, "auditHead", [
    "id: integer primary key",
    "number: integer not null",
    "hash: text not null",
    "startNumber: integer not null",
    "startHash: text not null",
  ]);
  const nothing = "0".repeat(64);
  await execute(db, `insert into "auditHead" values (1, 0, '${nothing}', 0, '${nothing}')`);
};
