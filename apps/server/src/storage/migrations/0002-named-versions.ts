// Versions that check-ins named, by digest: an image that was never uploaded (the factory's) still has one.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table }) => {
  await table(db, "namedVersions", ["digest: text primary key", "version: text not null"]);
};
