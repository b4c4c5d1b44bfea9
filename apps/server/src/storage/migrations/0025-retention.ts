// What goes after a while: by which times it is told that something is old, and how far the sweep has come that is
// under way.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index }) => {
  await table(db, "retentionSpans", [
    "runMs: milliseconds primary key",
    "earliestAt: milliseconds not null",
    "wallAt: milliseconds not null",
    "steadyAt: milliseconds not null",
  ]);
  await table(db, "retentionSweeps", [
    "what: text primary key",
    "before: milliseconds not null",
    "after: integer",
    "removed: integer not null",
  ]);
  await index(db, "deviceLogByAge", "deviceLog", ["at"]);
};
