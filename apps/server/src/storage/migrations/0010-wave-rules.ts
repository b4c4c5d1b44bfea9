// Rules of each wave, in place of the rollout's: what held for a whole rollout is written as the rules of each of its
// waves. Tries, maintenance windows, approvals, and where to go back to.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add }) => {
  await add(
    db,
    "rollouts",
    "rules: text not null default '[]'",
    "retries: text not null default '[]'",
    "maintenance: text",
    "approvals: text not null default '[]'",
    "heldFor: text",
    "nextOfferAt: milliseconds",
    "rollBackDue: text",
  );
  await add(db, "deployments", "notBefore: milliseconds", "cameFrom: text");
  const before = ["deadlineMs", "failureThresholdPercent", "minimumSample", "soakMs", "underWayMax"] as const;
  for (const { id, waveTotals, ...held } of await db
    .selectFrom("rollouts")
    .select(["id", "waveTotals", ...before])
    .execute()) {
    const rule = { ...held, thresholdAction: "pause", rate: null, approval: false, startAt: null };
    const rules = JSON.stringify((JSON.parse(waveTotals) as number[]).map(() => rule));
    await db.updateTable("rollouts").set({ rules }).where("id", "=", id).execute();
  }
  for (const column of before) await execute(db, `alter table "rollouts" drop column "${column}"`);
};
