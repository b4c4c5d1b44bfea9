// What is put away, and what is on its way out: rollouts are deleted in pieces, a release's row stays while a rollout
// tells of it, a deleted device's under another id while deployments count it, and files go after the rows.

import type { Migrate } from "./tools.ts";

const counts: Migrate = async (db, { countRows, uncountRows }) => {
  await uncountRows(db, "devices");
  // Those that are deleted are a kind of their own, which nobody asks for.
  await countRows(db, {
    table: "devices",
    into: "deviceCounts",
    by: {
      health: (row) => `${row}."health"`,
      version: (row) => `${row}."runningVersion"`,
      revoked: (row) =>
        `case when ${row}."deletedAt" is not null then 2 when ${row}."revokedAt" is null then 0 else 1 end`,
    },
  });
};

export const migrate: Migrate = async (db, tools) => {
  const { add, addMembers, index, table } = tools;
  await add(db, "releases", "archivedAt: milliseconds", "deletedAt: milliseconds");
  await add(db, "rollouts", "archivedAt: milliseconds", "deletedAt: milliseconds");
  await add(db, "devices", "deletedAt: milliseconds");
  await index(db, "rolloutsByRelease", "rollouts", ["releaseId"]);
  await index(db, "rolloutsOnTheirWayOut", "rollouts", ["id"], { where: `"deletedAt" is not null` });
  await addMembers(db, "devices", "other", { otherDigest: ["digest", "text"], otherState: ["state", "text"] });
  await index(db, "devicesByOtherDigest", "devices", ["otherDigest", "id"], { where: `"otherDigest" is not null` });
  await table(db, "filesToRemove", ["fileName: text primary key", "claimedAt: milliseconds"]);
  await counts(db, tools);
};
