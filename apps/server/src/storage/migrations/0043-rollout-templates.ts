// Settings of rollouts, kept under a name.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table }) => {
  await table(db, "rolloutTemplates", [
    "id: text primary key",
    "name: text not null unique",
    "settings: text not null",
    "savedAt: milliseconds not null",
    "savedBy: text not null",
  ]);
};
