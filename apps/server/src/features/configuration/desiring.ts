// People say which configuration a device is to have: a new number in its history, which the device gets when it is
// here. Of many devices in pieces, each a transaction.

import { createHash } from "node:crypto";
import type { ConfigurationDocument } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { SignedIn } from "../accounts/signed-in.ts";
import type { CommandChannel } from "../commands/command-channel.ts";
import { mustTakeCommands } from "../commands/command-channel.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { lockDevice } from "../device-records/store.ts";
import { type DeviceTarget, eachDevice } from "../devices/each-device.ts";
import type { Filtering } from "../devices/filtering.ts";
import { desiredOf, reportedOf } from "./stored.ts";

/** As its cursors name it. */
const configuredList = "configured-devices";

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
  /** Of all that the filter means of those that who asks sees. Throws ApiError. */
  setMany(
    asked: Pick<DeviceTarget, "where" | "after"> & { document: ConfigurationDocument },
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

    async setMany({ document, ...target }, { userName, scope }) {
      channel.mustSign();
      const asked = wanted(document, userName);
      const { unknown: _none, ...configured } = await eachDevice(target, scope, {
        ...options,
        list: configuredList,
        counted: ["set", "unchanged", "leftOut"] as const,
        async visit(work, device) {
          if (device.revokedAt !== null || device.agent !== "flipside") return "leftOut";
          return (await desire(work, device, asked)) ? "set" : "unchanged";
        },
      });
      return configured;
    },
  };
}
