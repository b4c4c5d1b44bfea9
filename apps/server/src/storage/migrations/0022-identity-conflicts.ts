// Of each device, whether one board speaks for it (domain/identity-conflict.ts).

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add, index }) => {
  await add(db, "devices", "boardTrail: text", "conflictUntil: milliseconds");
  await index(db, "devicesInConflict", "devices", ["conflictUntil"], { where: `"conflictUntil" is not null` });
};
