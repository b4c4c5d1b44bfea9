// Things of AWS IoT: the certificate that lets one in, and how far its jobs are.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { index, table }) => {
  await table(
    db,
    "awsThings",
    [
      "deviceId: text primary key",
      "certificate: text",
      "createdAt: milliseconds not null",
      "shadowVersion: integer not null",
    ],
    `unique ("certificate")`,
  );
  await table(db, "awsExecutions", [
    "actionId: integer primary key",
    "deviceId: text not null",
    "status: text not null",
    "statusDetails: text",
    "version: integer not null",
    "startedAt: milliseconds",
    "updatedAt: milliseconds not null",
  ]);
  await index(db, "awsExecutionsByDevice", "awsExecutions", ["deviceId"]);
};
