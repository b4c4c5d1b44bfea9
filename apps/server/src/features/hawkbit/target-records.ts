// What is stored of devices that speak hawkBit's DDI beside their rows: what lets them in.

import type { Queries } from "../../storage/storage.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import { insertDevice, type NewDevice } from "../other-agents/device-rows.ts";

export interface NewTarget extends Omit<NewDevice, "agent"> {
  tokenHash: Buffer | null;
}

/** Of a device that is served: not revoked, and without an agent of ours. */
export interface TargetRecord {
  tokenHash: Buffer | null;
  attributesAt: number | null;
}

export async function insertTarget(db: Queries, { tokenHash, ...target }: NewTarget, at: number): Promise<void> {
  await insertDevice(db, { ...target, agent: "hawkbit" }, at);
  await db
    .insertInto("hawkbitTargets")
    .values({ deviceId: target.id, tokenHash, createdAt: at, attributesAt: null })
    .execute();
}

/** It has said what it is. */
export async function noteAttributes(db: Queries, deviceId: string, at: number): Promise<void> {
  await db.updateTable("hawkbitTargets").set({ attributesAt: at }).where("deviceId", "=", deviceId).execute();
}

export const servedTarget = (db: Queries, id: string): Promise<TargetRecord | undefined> =>
  db
    .selectFrom("hawkbitTargets")
    .innerJoin("devices", "devices.id", "hawkbitTargets.deviceId")
    .select(["hawkbitTargets.tokenHash", "hawkbitTargets.attributesAt"])
    .where("devices.id", "=", id)
    .where("devices.revokedAt", "is", null)
    .where("devices.deletedAt", "is", null)
    .executeTakeFirst();

export const isHawkbitTarget = (device: DeviceRow | undefined): device is DeviceRow => device?.agent === "hawkbit";
