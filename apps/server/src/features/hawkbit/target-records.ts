// Devices that speak hawkBit's DDI, as they are stored: a row among all devices, and beside it what lets them in.

import type { Queries } from "../../storage/storage.ts";
import type { DeviceRow } from "../../storage/schema.ts";

/** No key of an agent of ours: 2^255 - 1 and a sign are no point's encoding (RFC 8032, 5.1.3), so it proves nothing. */
const noKey = Buffer.alloc(32, 0xff);

export interface NewTarget {
  id: string;
  product: string | null;
  hardware: string | null;
  revision: number | null;
  tokenHash: Buffer | null;
}

/** Of a device that is served: not revoked, and without an agent of ours. */
export interface TargetRecord {
  tokenHash: Buffer | null;
  attributesAt: number | null;
}

export async function insertTarget(db: Queries, { tokenHash, ...target }: NewTarget, at: number): Promise<void> {
  await db
    .insertInto("devices")
    .values({ ...target, agent: "hawkbit", publicKey: noKey, enrolledAt: at, health: "unknown" })
    .execute();
  await db
    .insertInto("hawkbitTargets")
    .values({ deviceId: target.id, tokenHash, createdAt: at, attributesAt: null })
    .execute();
}

/** Whether a device, or a claim of one that is still to come, has this id. */
export async function isTaken(db: Queries, id: string): Promise<boolean> {
  const device = await db.selectFrom("devices").select("id").where("id", "=", id).executeTakeFirst();
  const claim = await db.selectFrom("claims").select("deviceId").where("deviceId", "=", id).executeTakeFirst();
  return device !== undefined || claim !== undefined;
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
