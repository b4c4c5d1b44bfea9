// What one person has asked for, and another one is to confirm.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index }) => {
  await table(db, "proposals", [
    "id: text primary key",
    "operation: text not null",
    "request: text not null",
    "userName: text not null",
    "state: text not null",
    "askedAt: milliseconds not null",
    "endsAt: milliseconds not null",
    "decidedBy: text",
    "decidedAt: milliseconds",
    "code: text",
  ]);
  await index(db, "proposalsByTime", "proposals", ["askedAt", "id"]);
};
