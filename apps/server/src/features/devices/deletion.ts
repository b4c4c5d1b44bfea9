// A device is deleted: what is known of it goes, its claim too, so that it comes back as a stranger or not at all. What
// it did in rollouts stays, under an id that tells nothing: a rollout's counts are of its deployments, and are to be
// right in ten years, whoever was deleted since.

import { randomBytes } from "node:crypto";
import { ApiError } from "../../http/errors.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import { awaitedKey, lockDevice } from "../device-records/store.ts";
import { forgetMetrics } from "../metric-history/expiry.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { DeviceElsewhere } from "./elsewhere.ts";

/** Who was silent for so long may go without being revoked before. */
const silentDaysMin = 30;
const dayMs = 86_400_000;

export interface DeviceDeletion {
  /** `confirm`: its id, once more. Throws ApiError. */
  delete(id: string, confirm: string): Promise<void>;
}

/** Its deployments are of nobody from then on. */
async function giveDeploymentsAway(work: Work, { id, enrolledAt }: DeviceRow, nowMs: number): Promise<void> {
  const { db } = work;
  const rows = await db.selectFrom("deployments").select("id").where("deviceId", "=", id).execute();
  if (rows.length === 0) return;
  const nobody = `deleted-${randomBytes(8).toString("hex")}`;
  await db
    .insertInto("devices")
    .values({ id: nobody, publicKey: awaitedKey, enrolledAt, revokedAt: nowMs, deletedAt: nowMs, health: "unknown" })
    .execute();
  for (const table of ["deployments", "healthFailures", "otherAgentActions"] as const)
    await db.updateTable(table).set({ deviceId: nobody }).where("deviceId", "=", id).execute();
  for (const row of rows) work.changed({ kind: "deployment", id: row.id, deviceId: id, deleted: true });
}

const ofDevice = [
  ...(["deviceSecrets", "deviceTags", "deviceLog", "collectedLogs", "commands"] as const),
  ...(["configurations", "claims", "hawkbitTargets"] as const),
  ...(["menderAuthSets", "awsThings", "awsExecutions"] as const),
];

/** Its row, and all that hangs on it. */
async function deleteRows(db: Queries, id: string): Promise<void> {
  for (const table of ofDevice) await db.deleteFrom(table).where("deviceId", "=", id).execute();
  await forgetMetrics(db, id);
  await db.deleteFrom("devices").where("id", "=", id).execute();
}

export function createDeviceDeletion(options: {
  storage: Storage;
  sessions: Pick<Sessions, "end">;
  evidence: Pick<Evidence, "deviceRevoked">;
  lastSeen: Pick<LastSeen, "pending">;
  deviceLog: Pick<DeviceLog, "flush">;
  link: Pick<DeviceLink, "accounts" | "disconnect">;
  now: () => number;
  elsewhere?: DeviceElsewhere | undefined;
}): DeviceDeletion {
  const { storage, sessions, link, now, elsewhere } = options;

  function refuseIfThere(device: DeviceRow): void {
    if (device.revokedAt !== null) return;
    const heardAt = options.lastSeen.pending(device.id) ?? device.lastSeenAt ?? device.enrolledAt;
    if (now() - heardAt >= silentDaysMin * dayMs) return;
    throw new ApiError(
      "still-needed",
      `${device.id} was heard of in the last ${silentDaysMin} days. Revoke it first, if it is to go.`,
    );
  }

  /** What is being made names devices that must be there when it comes to them. */
  async function refuseWhileMade(db: Queries): Promise<void> {
    const row = await db.selectFrom("rollouts").select("name").where("preparing", "is not", null).executeTakeFirst();
    if (row !== undefined)
      throw new ApiError("still-needed", `Rollout ${row.name} is being made, perhaps for it: try again when it is.`);
  }

  return {
    async delete(id, confirm) {
      const taken = await storage.transaction(async (work) => {
        const taken = await elsewhere?.takeAway(work.db, id);
        const device = await lockDevice(work.db, id);
        if (device === undefined) throw new ApiError("not-found", "There is no such device.");
        if (confirm !== id) {
          const message = "is to be the device's id, to say that it is meant";
          throw new ApiError("validation-failed", "Nothing was deleted.", { errors: [{ path: "confirm", message }] });
        }
        refuseIfThere(device);
        await refuseWhileMade(work.db);
        await options.evidence.deviceRevoked(work, id);
        await giveDeploymentsAway(work, device, now());
        await deleteRows(work.db, id);
        work.changed({ kind: "device", id });
        work.afterCommit(() => {
          sessions.end(id, "it was deleted");
          link.disconnect(id);
        });
        return taken;
      });
      await elsewhere?.end(id, "it was deleted", taken);
      await link.accounts?.remove(id);
      // That its session ended is news of nobody.
      await options.deviceLog.flush();
      await storage.db.deleteFrom("deviceLog").where("deviceId", "=", id).execute();
    },
  };
}
