// Gates that want a sample, soak, offers to who was away, urgency; what was accepted, of every wave; and how many
// decisions there are, so that nobody has to count them.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add }) => {
  // What runs already goes on as it was begun.
  await add(
    db,
    "rollouts",
    "minimumSample: integer not null default 1",
    "soakMs: integer not null default 0",
    "soakUntil: milliseconds",
    "lateOffersMs: milliseconds not null default 0",
    "underWayMax: integer",
    "urgent: boolean not null default false",
    "accepted: text not null default '[]'",
    "decisionCount: integer not null default 0",
  );
  await execute(
    db,
    `update "rollouts" set "decisionCount" = (select count(*) from "decisions" where "rolloutId" = "rollouts"."id")`,
  );
  const resumed = await db
    .selectFrom("rollouts")
    .select(["id", "acceptedWave", "acceptedFinished", "acceptedFailed"])
    .where("acceptedWave", ">=", 0)
    .execute();
  for (const { id, acceptedWave, acceptedFinished, acceptedFailed } of resumed) {
    const ofWaves = Array.from({ length: acceptedWave + 1 }, () => ({ finished: 0, failed: 0 }));
    ofWaves[acceptedWave] = { finished: acceptedFinished, failed: acceptedFailed };
    await db
      .updateTable("rollouts")
      .set({ accepted: JSON.stringify(ofWaves) })
      .where("id", "=", id)
      .execute();
  }
  for (const column of ["acceptedWave", "acceptedFinished", "acceptedFailed"])
    await execute(db, `alter table "rollouts" drop column "${column}"`);
};
