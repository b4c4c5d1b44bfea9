// What is seen of updated devices beside others.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index, add }) => {
  await add(db, "rollouts", "health: text");
  const ofRollout = `rolloutId: text not null references "rollouts" ("id")`;
  await table(
    db,
    "healthTests",
    [
      ofRollout,
      "metric: text not null",
      "evidence: text not null",
      "updatedAtRisk: integer not null",
      "othersAtRisk: integer not null",
      "lookedAt: milliseconds not null",
    ],
    `primary key ("rolloutId", "metric")`,
  );
  await table(db, "healthLooks", [
    "id: rowNumber",
    ofRollout,
    "metric: text not null",
    "at: milliseconds not null",
    "updatedAtRisk: integer not null",
    "updatedFailed: integer not null",
    "othersAtRisk: integer not null",
    "othersFailed: integer not null",
  ]);
  await index(db, "healthLooksByRollout", "healthLooks", ["rolloutId", "id"]);
  await table(
    db,
    "healthFailures",
    [
      ofRollout,
      "metric: text not null",
      `deviceId: text not null references "devices" ("id")`,
      "side: text not null",
      "at: milliseconds not null",
    ],
    `primary key ("rolloutId", "metric", "deviceId")`,
  );
};
