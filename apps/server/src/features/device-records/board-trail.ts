// What is stored of a device to tell whether one board speaks for it.

import { type BoardTrail, conflictUntilMs, type MessageOrder, noTrail } from "../../domain/identity-conflict.ts";
import type { DeviceRow, DeviceUpdate } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

export interface StoredTrail extends BoardTrail {
  /** The first message of the newest session; only where several servers may have its sessions in turn. */
  last?: MessageOrder;
}

export const trailOf = ({ boardTrail }: Pick<DeviceRow, "boardTrail">): StoredTrail =>
  boardTrail === null ? noTrail : (JSON.parse(boardTrail) as StoredTrail);

export const columnsOfTrail = (trail: StoredTrail): Pick<DeviceRow, "boardTrail" | "conflictUntil"> => ({
  boardTrail: JSON.stringify(trail),
  conflictUntil: conflictUntilMs(trail),
});

/** Another board is the device, or a person says that one is. */
export const noConflict = { boardTrail: null, conflictUntil: null } satisfies DeviceUpdate;

/** `nowMs`: of steady time. */
export const isInConflict = ({ conflictUntil }: Pick<DeviceRow, "conflictUntil">, nowMs: number): boolean =>
  conflictUntil !== null && conflictUntil > nowMs;

/** Ids of devices that two boards say they are, at this moment of steady time. */
export async function devicesInConflict(db: Queries, nowMs: number): Promise<Set<string>> {
  const rows = await db.selectFrom("devices").select("id").where("conflictUntil", ">", nowMs).execute();
  return new Set(rows.map(({ id }) => id));
}
