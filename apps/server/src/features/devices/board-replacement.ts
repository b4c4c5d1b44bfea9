// Another board comes under a device's id, by an operator's word: the old one is nobody from then on, and the new one
// is the device as soon as it has proved its claim. What is known of the device and of its past stays; what the old
// board last said of itself does not.

import type { Device } from "@flipside/api/types";
import { equalInConstantTime } from "../../equal-in-constant-time.ts";
import { ApiError } from "../../http/errors.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { DeviceUpdate } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { noConflict } from "../device-records/board-trail.ts";
import { awaitedKey, lockDevice } from "../device-records/store.ts";
import type { DeviceElsewhere } from "./elsewhere.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { DeviceViews } from "./view.ts";

export interface BoardReplacement {
  /** `secret`: of the new board's claim. Also of a device that was revoked. Throws ApiError. */
  replace(id: string, secret: Uint8Array, by: string): Promise<Device>;
}

/** What lets the old board in. */
const ofOldBoard = ["deviceSecrets", "hawkbitTargets", "menderAuthSets", "awsThings"] as const;

/** Of the board that is gone. */
const nothingSaid: DeviceUpdate = {
  ...noConflict,
  // A claim is proven by an agent of ours, whatever spoke for the old board.
  agent: "flipside",
  attributes: null,
  bootCounter: null,
  bootReason: null,
  configurationReported: null,
  configurationRefusedBy: null,
  connection: null,
  entropy: null,
  health: "unknown",
  firstLoader: null,
  loaderVersion: null,
  measured: null,
  other: null,
  releaseState: null,
  releaseStateWarning: null,
  running: null,
  securityFloor: null,
  slotBytes: null,
  trustDigest: null,
  trustRefusedCode: null,
  trustRefusedVersion: null,
  trustVersion: null,
};

export function createBoardReplacement(options: {
  storage: Storage;
  views: Pick<DeviceViews, "one">;
  sessions: Pick<Sessions, "end">;
  evidence: Pick<Evidence, "deviceRevoked">;
  deviceLog: Pick<DeviceLog, "add">;
  link: Pick<DeviceLink, "accounts" | "disconnect">;
  now: () => number;
  elsewhere?: DeviceElsewhere | undefined;
}): BoardReplacement {
  const { storage, sessions, deviceLog, link, now, elsewhere } = options;
  return {
    async replace(id, secret, by) {
      const claim = Buffer.from(secret);
      const taken = await storage.transaction(async (work) => {
        const { db } = work;
        const taken = await elsewhere?.takeAway(db, id);
        const device = await lockDevice(db, id);
        if (device === undefined) throw new ApiError("not-found", "There is no such device.");
        const old = await db.selectFrom("claims").select("secret").where("deviceId", "=", id).executeTakeFirst();
        // With it the old board could be the device again.
        if (old !== undefined && equalInConstantTime(old.secret, claim))
          throw new ApiError(
            "claim-exists",
            "This is the old board's claim. Give the one that came with the new board.",
          );
        await db.deleteFrom("claims").where("deviceId", "=", id).execute();
        await db.insertInto("claims").values({ deviceId: id, secret: claim, createdAt: now() }).execute();
        for (const table of ofOldBoard) await db.deleteFrom(table).where("deviceId", "=", id).execute();
        await options.evidence.deviceRevoked(work, id);
        await db
          .updateTable("devices")
          .set({
            ...nothingSaid,
            // What is desired of the device is desired of the new board.
            configurationState: device.configurationDesired === null ? "none" : "waiting",
            publicKey: awaitedKey,
            revokedAt: null,
          })
          .where("id", "=", id)
          .execute();
        work.changed({ kind: "device", id });
        work.afterCommit(() => {
          sessions.end(id, `its board was replaced by ${by}`);
          link.disconnect(id);
          deviceLog.add(
            id,
            "replaced",
            `the board was replaced by ${by}: the next one that proves its claim is the device`,
          );
        });
        return taken;
      });
      await elsewhere?.end(id, `its board was replaced by ${by}`, taken);
      await link.accounts?.remove(id);
      await link.accounts?.mayEnrol([id]);
      return (await options.views.one(id))!;
    },
  };
}
