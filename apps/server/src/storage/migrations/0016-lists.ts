// Lists a page at a time, by indexes; what a device runs, as columns that can be asked for; and how many devices there
// are of what kind, kept so that nobody has to count them.

import { sql } from "kysely";
import { execute, type Migrate } from "./tools.ts";

/**
 * One row a change: nobody waits for another's, and they are added up now and then (features/devices/device-counts.ts).
 */
const counts: Migrate = async (db, { table, countRows }) => {
  await table(db, "deviceCounts", [
    "id: rowNumber",
    "health: text not null",
    "version: text",
    "revoked: integer not null",
    "count: integer not null",
  ]);
  await execute(
    db,
    `insert into "deviceCounts" ("health", "version", "revoked", "count")
     select "health", "runningVersion", case when "revokedAt" is null then 0 else 1 end, count(*) from "devices" group by 1, 2, 3`,
  );
  await countRows(db, {
    table: "devices",
    into: "deviceCounts",
    by: {
      health: (row) => `${row}."health"`,
      version: (row) => `${row}."runningVersion"`,
      revoked: (row) => `case when ${row}."revokedAt" is null then 0 else 1 end`,
    },
  });
};

export const migrate: Migrate = async (db, tools) => {
  const { index, addMembers } = tools;
  await addMembers(db, "devices", "running", {
    runningDigest: ["digest", "text"],
    runningVersion: ["version", "text"],
    runningState: ["state", "text"],
    runningSequence: ["releaseSequence", "integer"],
  });
  for (const column of ["runningDigest", "runningVersion", "runningState", "hardware", "health", "bootReason"])
    await index(db, `devicesBy${column[0]!.toUpperCase()}${column.slice(1)}`, "devices", [column, "id"]);
  await index(db, "revokedDevices", "devices", ["id"], { where: `"revokedAt" is not null` });
  await index(db, "rolloutsByAge", "rollouts", ["createdAt", "id"]);
  await index(db, "releasesByAge", "releases", ["uploadedAt", "id"]);
  // In place of one by wave and state: what is asked for is one state, of waves in their order.
  await sql`drop index ${sql.id("deploymentsByTally")}`.execute(db);
  await index(db, "deploymentsByState", "deployments", ["rolloutId", "state", "wave", "position"]);
  await index(db, "deploymentsInOrder", "deployments", ["rolloutId", "wave", "position"]);
  await index(db, "openDeadlinesOfRollout", "deployments", ["rolloutId", "deadlineAt"], {
    where: `"finishedAt" is null and "deadlineAt" is not null`,
  });
  await counts(db, tools);
};
