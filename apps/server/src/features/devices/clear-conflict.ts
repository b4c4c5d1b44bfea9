// A person says that one board is the device again. Should two go on, that is recognised anew.

import type { Device } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import type { Storage } from "../../storage/storage.ts";
import { noConflict } from "../device-records/board-trail.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { lockDevice } from "../device-records/store.ts";
import type { DeviceViews } from "./view.ts";

/** Throws ApiError. */
export type ClearConflict = (id: string, by: string) => Promise<Device>;

export function createClearConflict({
  storage,
  views,
  deviceLog,
}: {
  storage: Storage;
  views: Pick<DeviceViews, "one">;
  deviceLog: Pick<DeviceLog, "add">;
}): ClearConflict {
  return async (id, by) => {
    await storage.transaction(async (work) => {
      const device = await lockDevice(work.db, id);
      if (device === undefined) throw new ApiError("not-found", "There is no such device.");
      if (device.conflictUntil === null) return;
      await work.db.updateTable("devices").set(noConflict).where("id", "=", id).execute();
      work.changed({ kind: "device", id });
      work.afterCommit(() => deviceLog.add(id, "identity", `one board is this device again, says ${by}`));
    });
    return (await views.one(id))!;
  };
}
