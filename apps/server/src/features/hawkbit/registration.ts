// An operator makes a device known that speaks hawkBit's DDI, and is told its target token, once; or gives the one that
// the device has from the server that it was at.

import type { Device } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import type { Storage } from "../../storage/storage.ts";
import { hashOfSecret, newSecretText } from "../../secret-text.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { OtherAgents } from "../device-records/other-agents.ts";
import { lockDevice } from "../device-records/store.ts";
import type { DeviceViews } from "../devices/view.ts";
import { isTaken } from "../other-agents/device-rows.ts";
import { insertTarget, isHawkbitTarget } from "./target-records.ts";

export interface Registration {
  register(
    device: { id: string; product: string; hardware: string; revision: number; targetToken?: string | undefined },
    by: string,
  ): Promise<{ device: Device; targetToken: string }>;
  /** In place of the one that it has. */
  renewToken(id: string, by: string): Promise<{ targetToken: string }>;
}

export function createRegistration(options: {
  storage: Storage;
  views: Pick<DeviceViews, "one">;
  otherAgents: Pick<OtherAgents, "add">;
  deviceLog: Pick<DeviceLog, "add">;
  wallMs: () => number;
}): Registration {
  const { storage, deviceLog, wallMs } = options;
  return {
    async register({ id, product, hardware, revision, targetToken = newSecretText() }, by) {
      await storage.transaction(async ({ db, changed }) => {
        if (await isTaken(db, id))
          throw new ApiError(
            "device-exists",
            `There is a device ${id}, or a claim of one. To give it another token, ask for that; to let another agent speak for it, delete it first.`,
          );
        await insertTarget(db, { id, product, hardware, revision, tokenHash: hashOfSecret(targetToken) }, wallMs());
        changed({ kind: "device", id });
      });
      options.otherAgents.add(id, "hawkbit");
      deviceLog.add(id, "enrolment", `registered by ${by}, to be spoken for by an agent of hawkBit's interface`);
      return { device: (await options.views.one(id))!, targetToken };
    },

    async renewToken(id, by) {
      const targetToken = newSecretText();
      await storage.transaction(async ({ db }) => {
        if (!isHawkbitTarget(await lockDevice(db, id)))
          throw new ApiError("not-found", "There is no such device that speaks hawkBit's interface.");
        await db
          .updateTable("hawkbitTargets")
          .set({ tokenHash: hashOfSecret(targetToken) })
          .where("deviceId", "=", id)
          .execute();
      });
      deviceLog.add(id, "enrolment", `another target token was made by ${by}: the one before is worthless`);
      return { targetToken };
    },
  };
}
