// People say which configuration a device is to have: a new number in its history, which the device gets when it is
// here. Of many devices in pieces, each a transaction.

import { createHash } from "node:crypto";
import { configuredAtOnceMax } from "@flipside/api/limits";
import type { ConfigurationDocument } from "@flipside/api/types";
import { cursorOf } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { SignedIn } from "../accounts/signed-in.ts";
import type { CommandChannel } from "../commands/command-channel.ts";
import { mustTakeCommands } from "../commands/command-channel.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { lockDevice } from "../device-records/store.ts";
import { nextStep } from "../devices/device-walk.ts";
import type { Filtering } from "../devices/filtering.ts";
import { desiredOf, reportedOf } from "./stored.ts";

/** As its cursors name it. */
export const configuredList = "configured-devices";

/** Of one device. */
const kept = 100;
/** The device takes numbers of 32 bits; what it says of a higher one is its own affair. */
const reportedMax = 0x7fff_ffff;

export interface Configured {
  set: number;
  unchanged: number;
  leftOut: number;
  next: string | null;
}

export interface Desiring {
  /** Returns what was desired before; null: nothing. Throws ApiError. */
  set(deviceId: string, document: ConfigurationDocument, by: string): Promise<ConfigurationDocument | null>;
  /** Of all that the filter means of those that who asks sees, after that id. Throws ApiError. */
  setMany(
    asked: { where: string; document: ConfigurationDocument; after: string },
    by: Pick<SignedIn, "userName" | "scope">,
  ): Promise<Configured>;
}

interface Wanted {
  document: string;
  digest: string;
  by: string;
}

async function forgetOldest(db: Queries, deviceId: string): Promise<void> {
  await db
    .deleteFrom("configurations")
    .where("deviceId", "=", deviceId)
    .where("number", "not in", (q) =>
      q
        .selectFrom("configurations")
        .select("number")
        .where("deviceId", "=", deviceId)
        .orderBy("number", "desc")
        .limit(kept),
    )
    .execute();
}

export function createDesiring(options: {
  storage: Storage;
  channel: CommandChannel;
  filtering: Pick<Filtering, "sought">;
  deviceLog: DeviceLog;
  wallMs: () => number;
  pieceMax: number;
}): Desiring {
  const { storage, channel, deviceLog } = options;

  const wanted = (document: ConfigurationDocument, by: string): Wanted => {
    const text = JSON.stringify(document);
    return { document: text, digest: createHash("sha256").update(text).digest("hex"), by };
  };

  /** In a transaction, behind the device's lock. False: it is desired already, and was not refused. */
  async function desire(work: Work, device: DeviceRow, { document, digest, by }: Wanted): Promise<boolean> {
    const { db } = work;
    const before = await desiredOf(db, device);
    if (before?.digest === digest && device.configurationState !== "refused") return false;
    const reported = reportedOf(device)?.number ?? 0;
    // A device takes none that is older than the one in force, whoever set that.
    const number = Math.max(device.configurationDesired ?? 0, reported > reportedMax ? 0 : reported) + 1;
    const createdAt = options.wallMs();
    const { id: deviceId } = device;
    const untold = { sentAt: null, inForceAt: null, refusal: null };
    await db
      .insertInto("configurations")
      .values({ deviceId, number, document, digest, createdAt, createdBy: by, ...untold })
      .execute();
    await db
      .updateTable("devices")
      .set({ configurationState: "waiting", configurationDesired: number, configurationRefusedBy: null })
      .where("id", "=", deviceId)
      .execute();
    await forgetOldest(db, deviceId);
    work.changed({ kind: "device", id: deviceId });
    work.afterCommit(() => {
      deviceLog.add(deviceId, "configuration", `configuration ${number}: set by ${by}`);
      channel.wake(deviceId);
    });
    return true;
  }

  return {
    async set(deviceId, document, by) {
      channel.mustSign();
      return storage.transaction(async (work) => {
        const device = await lockDevice(work.db, deviceId);
        if (device === undefined) throw new ApiError("not-found", "There is no such device.");
        mustTakeCommands(device);
        const before = await desiredOf(work.db, device);
        await desire(work, device, wanted(document, by));
        return before === undefined ? null : (JSON.parse(before.document) as ConfigurationDocument);
      });
    },

    async setMany({ where, document, after }, { userName, scope }) {
      channel.mustSign();
      const sought = await options.filtering.sought(storage.db, where, "where", scope);
      const asked = wanted(document, userName);
      const count = { set: 0, unchanged: 0, leftOut: 0 };
      let lookedAt = 0;
      for (let at: string | undefined = after; at !== undefined; ) {
        if (lookedAt >= configuredAtOnceMax) return { ...count, next: cursorOf(configuredList, [at]) };
        const from = at;
        const piece = await storage.transaction(async (work) => {
          const counted = { set: 0, unchanged: 0, leftOut: 0 };
          const step = await nextStep(work.db, sought, from, options.pieceMax);
          for (const { id } of step.rows) {
            const device = await lockDevice(work.db, id);
            if (device === undefined) continue;
            if (device.revokedAt !== null || device.agent !== "flipside") counted.leftOut++;
            else if (await desire(work, device, asked)) counted.set++;
            else counted.unchanged++;
          }
          return { step, counted };
        });
        for (const name of ["set", "unchanged", "leftOut"] as const) count[name] += piece.counted[name];
        lookedAt += piece.step.lookedAt;
        at = piece.step.through;
      }
      return { ...count, next: null };
    },
  };
}
