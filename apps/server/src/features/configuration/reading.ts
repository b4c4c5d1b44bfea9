// A device's configuration as the REST interface shows it, and what was desired before.

import type { Configuration, PastConfiguration } from "@flipside/api/types";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso } from "../../identifiers.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { findDevice } from "../device-records/store.ts";
import { configurationOf, desiredOf, desiredView, pastView, refusalView, reportedOf } from "./stored.ts";

/** As its cursors name it. */
export const configurationList = "configurations";

export interface ConfigurationReading {
  one(deviceId: string): Promise<Configuration>;
  /** Newest first. */
  history(deviceId: string, page: PageAsked): Promise<{ configurations: PastConfiguration[]; next: string | null }>;
}

export function createConfigurationReading(db: Queries): ConfigurationReading {
  async function known(id: string): Promise<DeviceRow> {
    const device = await findDevice(db, id);
    if (device === undefined) throw new ApiError("not-found", "There is no such device.");
    return device;
  }

  async function reportedView(device: DeviceRow): Promise<Configuration["reported"]> {
    const reported = reportedOf(device);
    if (reported === null) return null;
    const { number, digest, at } = reported;
    const row = await configurationOf(db, device.id, number);
    // Another server may have given it the same number.
    return { number, digest, at: iso(at), document: row?.digest === digest ? desiredView(row).document : null };
  }

  return {
    async one(deviceId) {
      const device = await known(deviceId);
      const desired = await desiredOf(db, device);
      return {
        state: device.configurationState,
        desired: desired === undefined ? null : desiredView(desired),
        reported: await reportedView(device),
        refused: desired === undefined || device.configurationState !== "refused" ? null : refusalView(desired),
      };
    },
    async history(deviceId, { limit, after }) {
      await known(deviceId);
      const rows = await db
        .selectFrom("configurations")
        .selectAll()
        .where("deviceId", "=", deviceId)
        .$if(after !== undefined, (q) => q.where("number", "<", after![0] as number))
        .orderBy("number", "desc")
        .limit(limit + 1)
        .execute();
      const page = paged(configurationList, rows, limit, ({ number }) => [number]);
      return { configurations: page.rows.map(pastView), next: page.next };
    },
  };
}
