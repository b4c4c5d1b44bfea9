// Rollouts that were played in simulation before they start: what was asked for, and what came of it.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index }) => {
  await table(db, "rehearsals", [
    "id: text primary key",
    "name: text not null",
    "releaseId: text not null",
    "createdAt: milliseconds not null",
    "createdBy: text not null",
    "scope: text",
    "seed: milliseconds not null",
    "state: text not null",
    "done: integer not null",
    "total: integer not null",
    "serverStart: text not null",
    "heardAt: milliseconds not null",
    "finishedAt: milliseconds",
    "failure: text",
    "answer: text",
  ]);
  await index(db, "rehearsalsByTime", "rehearsals", ["createdAt", "id"]);
};
