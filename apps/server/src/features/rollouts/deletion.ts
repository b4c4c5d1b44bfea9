// A rollout that was deleted goes a piece at a time: its deployments, what its health gate has seen, its decisions, and
// last its row. It is shown to nobody from the word on; what is left is found by its row, so a restart goes on there.

import type { Work } from "../../storage/storage.ts";
import { lockRollout } from "../deployments/store.ts";

/** Its deployments, of which devices' memories have to hear. Whether there were any. */
async function deployments({ db, changed }: Work, rolloutId: string, most: number): Promise<boolean> {
  const rows = await db
    .selectFrom("deployments")
    .select(["id", "deviceId"])
    .where("rolloutId", "=", rolloutId)
    .orderBy("wave")
    .orderBy("position")
    .limit(most)
    .execute();
  if (rows.length === 0) return false;
  const ids = rows.map(({ id }) => id);
  const actionIds = db.selectFrom("otherAgentActions").select("id").where("deploymentId", "in", ids);
  await db.deleteFrom("awsExecutions").where("actionId", "in", actionIds).execute();
  await db.deleteFrom("otherAgentActions").where("deploymentId", "in", ids).execute();
  await db.deleteFrom("deployments").where("id", "in", ids).execute();
  for (const { id, deviceId } of rows) changed({ kind: "deployment", id, deviceId, deleted: true });
  return true;
}

/** What hangs on it row by row. Whether there was any of it. */
async function rest({ db }: Work, rolloutId: string, most: number): Promise<boolean> {
  for (const table of ["decisions", "healthLooks"] as const) {
    const rows = await db.selectFrom(table).select("id").where("rolloutId", "=", rolloutId).limit(most).execute();
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) continue;
    await db.deleteFrom(table).where("id", "in", ids).execute();
    return true;
  }
  const failures = await db
    .selectFrom("healthFailures")
    .select(["metric", "deviceId"])
    .where("rolloutId", "=", rolloutId)
    .limit(most)
    .execute();
  if (failures.length === 0) return false;
  await db
    .deleteFrom("healthFailures")
    .where("rolloutId", "=", rolloutId)
    .where("metric", "in", [...new Set(failures.map(({ metric }) => metric))])
    .where("deviceId", "in", [...new Set(failures.map(({ deviceId }) => deviceId))])
    .execute();
  return true;
}

/** A release that was deleted stays as long as a rollout tells of it. */
async function releaseOf({ db }: Work, releaseId: string): Promise<void> {
  const other = await db.selectFrom("rollouts").select("id").where("releaseId", "=", releaseId).executeTakeFirst();
  if (other === undefined)
    await db.deleteFrom("releases").where("id", "=", releaseId).where("deletedAt", "is not", null).execute();
}

/** The next piece of a rollout that is on its way out; whether there is more. `pieceMax`: rows that one takes away. */
export const createDeletion =
  (pieceMax: number) =>
  async (work: Work, rolloutId: string): Promise<boolean> => {
    const row = await lockRollout(work.db, rolloutId);
    if (row === undefined || row.deletedAt === null) return false;
    if ((await deployments(work, rolloutId, pieceMax)) || (await rest(work, rolloutId, pieceMax))) return true;
    for (const table of ["deploymentCounts", "healthTests", "rolloutRequests"] as const)
      await work.db.deleteFrom(table).where("rolloutId", "=", rolloutId).execute();
    await work.db.deleteFrom("rollouts").where("id", "=", rolloutId).execute();
    await releaseOf(work, row.releaseId);
    work.changed({ kind: "rollout", id: rolloutId });
    return false;
  };
