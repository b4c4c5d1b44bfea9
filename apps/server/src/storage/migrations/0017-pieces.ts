// Rollouts that are made, and changes of all deployments of one that are carried out, a piece at a time.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index, add }) => {
  await add(db, "rollouts", "sweeps: text", "preparing: text");
  await index(db, "rolloutsInPieces", "rollouts", ["id"], {
    where: `"sweeps" is not null or "preparing" is not null`,
  });
  await table(db, "rolloutRequests", [
    `rolloutId: text primary key references "rollouts" ("id")`,
    "request: text not null",
  ]);
  await table(
    db,
    "rolloutTargets",
    [
      `rolloutId: text not null references "rollouts" ("id")`,
      "place: text not null",
      "deviceId: text not null",
      "digest: text not null",
    ],
    `primary key ("rolloutId", "place")`,
  );
};
