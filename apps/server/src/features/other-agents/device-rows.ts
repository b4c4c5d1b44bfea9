// Devices that another agent speaks for, as they are stored: a row among all devices. What lets one in is its
// interface's own.

import type { Queries } from "../../storage/storage.ts";
import type { OtherAgent } from "../device-records/other-agents.ts";

/** No key of an agent of ours: 2^255 - 1 and a sign are no point's encoding (RFC 8032, 5.1.3), so it proves nothing. */
const noKey = Buffer.alloc(32, 0xff);

export interface NewDevice {
  id: string;
  agent: OtherAgent;
  product: string | null;
  hardware: string | null;
  revision: number | null;
}

export async function insertDevice(db: Queries, device: NewDevice, at: number): Promise<void> {
  await db
    .insertInto("devices")
    .values({ ...device, publicKey: noKey, enrolledAt: at, health: "unknown" })
    .execute();
}

/** Whether a device, or a claim of one that is still to come, has this id. */
export async function isTaken(db: Queries, id: string): Promise<boolean> {
  const device = await db.selectFrom("devices").select("id").where("id", "=", id).executeTakeFirst();
  const claim = await db.selectFrom("claims").select("deviceId").where("deviceId", "=", id).executeTakeFirst();
  return device !== undefined || claim !== undefined;
}
