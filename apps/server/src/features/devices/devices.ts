// Devices: what the REST interface shows of them, and revocation.

import { matchesQuery } from "@flipside/api/device-search";
import type { DeviceDetail } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import { iso } from "../../identifiers.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Progress } from "../deployments/progress.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { lockDevice, replaceTags } from "../device-records/store.ts";
import type { Filtering } from "./filtering.ts";
import { deploymentView, type DeviceView, type DeviceViews, selectDeployments } from "./view.ts";

const deploymentsShown = 50;
const logEntriesShown = 50;

export interface Devices {
  /** Those that have every word of the query, and are as the filter says; empty ones ask for nothing. */
  list(asked: { query: string; filter: string }): Promise<DeviceView[]>;
  detail(id: string): Promise<DeviceDetail>;
  /** In place of those that it has. */
  setTags(id: string, tags: readonly string[], by: string): Promise<DeviceView>;
  /** Acts at once: the session ends, the connection is closed, a new one is refused. For good. */
  revoke(id: string, by: string): Promise<DeviceView>;
}

export function createDevices(options: {
  storage: Storage;
  views: DeviceViews;
  filtering: Pick<Filtering, "matcher">;
  sessions: Sessions;
  evidence: Pick<Evidence, "deviceRevoked">;
  progress: Progress;
  deviceLog: DeviceLog;
  link: DeviceLink;
  now: () => number;
}): Devices {
  const { storage, views, sessions, deviceLog, now } = options;

  async function view(id: string): Promise<DeviceView> {
    const device = await views.one(id);
    if (device === undefined) throw new ApiError("not-found", "There is no such device.");
    return device;
  }

  return {
    async list({ query, filter }) {
      // Before anything is read for it.
      const matches = filter.trim() === "" ? () => true : await options.filtering.matcher(storage.db, filter, "filter");
      const devices = await views.all();
      return devices.filter((device) => matches(device) && (query.trim() === "" || matchesQuery(device, query)));
    },

    async detail(id) {
      const device = await view(id);
      await deviceLog.flush();
      const deployments = await selectDeployments(storage.db)
        .where("deployments.deviceId", "=", id)
        .orderBy("position", "desc")
        .limit(deploymentsShown)
        .execute();
      const log = await storage.db
        .selectFrom("deviceLog")
        .select(["at", "kind", "detail"])
        .where("deviceId", "=", id)
        .orderBy("id", "desc")
        .limit(logEntriesShown)
        .execute();
      return {
        ...device,
        deployments: deployments.map((row) => deploymentView(options.progress.over(row))),
        log: log.map((entry) => ({ ...entry, at: iso(entry.at) })),
      };
    },

    async setTags(id, tags, by) {
      await storage.transaction(async (work) => {
        if ((await lockDevice(work.db, id)) === undefined) throw new ApiError("not-found", "There is no such device.");
        await replaceTags(work.db, id, tags);
        work.changed({ kind: "device", id });
        work.afterCommit(() => deviceLog.add(id, "tags", `${tags.join(", ") || "no tags"}, set by ${by}`));
      });
      return view(id);
    },

    async revoke(id, by) {
      await storage.transaction(async (work) => {
        const device = await lockDevice(work.db, id);
        if (device === undefined) throw new ApiError("not-found", "There is no such device.");
        if (device.revokedAt !== null) return;
        await work.db.updateTable("devices").set({ revokedAt: now() }).where("id", "=", id).execute();
        await options.evidence.deviceRevoked(work, id);
        work.changed({ kind: "device", id });
        work.afterCommit(() => {
          sessions.end(id, `revoked by ${by}`);
          options.link.disconnect(id);
          deviceLog.add(id, "revoked", `revoked by ${by}`);
        });
      });
      return view(id);
    },
  };
}
