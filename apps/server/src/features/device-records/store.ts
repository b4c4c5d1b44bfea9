// Devices and their secrets in the database.

import type { OtherSlot as OtherSlotView, RunningSlot } from "@flipside/api/types";
import type { DeviceRow } from "../../storage/schema.ts";
import { prepared } from "../../storage/prepared.ts";
import type { Queries } from "../../storage/storage.ts";

/** Stored in the place of the key of a board that is still to prove its claim. */
export const awaitedKey = Buffer.alloc(0);

/** Secrets kept for a device that enrols again and again without ever using one. */
const secretsKept = 4;

export interface DeviceSecret {
  generation: number;
  secret: Buffer;
}

const deviceById = prepared<{ id: string }, DeviceRow>((db, value) =>
  db.selectFrom("devices").selectAll().where("id", "=", value("id")).where("deletedAt", "is", null),
);

export async function findDevice(db: Queries, id: string): Promise<DeviceRow | undefined> {
  return (await deviceById(db, { id }))[0];
}

/** What a device is told apart by. */
export interface Identity {
  publicKey: Buffer;
  revokedAt: number | null;
  /** Newest first. */
  secrets: DeviceSecret[];
}

const identityById = prepared<
  { id: string },
  Pick<DeviceRow, "publicKey" | "revokedAt"> & { generation: number | null; secret: Buffer | null }
>((db, value) =>
  db
    .selectFrom("devices")
    .leftJoin("deviceSecrets", "deviceSecrets.deviceId", "devices.id")
    .select(["publicKey", "revokedAt", "generation", "secret"])
    .where("devices.id", "=", value("id"))
    .orderBy("generation", "desc"),
);

export async function identityOf(db: Queries, id: string): Promise<Identity | undefined> {
  const rows = await identityById(db, { id });
  const [first] = rows;
  if (first === undefined) return undefined;
  const secrets = rows.flatMap(({ generation, secret }) =>
    generation === null || secret === null ? [] : [{ generation, secret }],
  );
  return { publicKey: first.publicKey, revokedAt: first.revokedAt, secrets };
}

const idsAtATime = 500;

/** Those of these that there are, by id. */
export async function findDevices(db: Queries, ids: readonly string[]): Promise<Map<string, DeviceRow>> {
  const found = new Map<string, DeviceRow>();
  for (let at = 0; at < ids.length; at += idsAtATime)
    for (const row of await db
      .selectFrom("devices")
      .selectAll()
      .where("id", "in", ids.slice(at, at + idsAtATime))
      .execute())
      found.set(row.id, row);
  return found;
}

/** What its last check-in said of the slot that runs; null before the first one. */
export const runningOf = ({ running }: Pick<DeviceRow, "running">): RunningSlot | null =>
  running === null ? null : (JSON.parse(running) as RunningSlot);

export interface OtherSlot {
  slot: OtherSlotView["slot"];
  digest?: string | undefined;
  state: OtherSlotView["state"];
  reason: number;
}

/** The same of the other slot. */
export const otherOf = ({ other }: Pick<DeviceRow, "other">): OtherSlot | null =>
  other === null ? null : (JSON.parse(other) as OtherSlot);

/** Whether it goes back to this image without a permit: it lies in its other slot, confirmed (docs/protocol.md). */
export function holdsConfirmed(device: Pick<DeviceRow, "other">, digest: string): boolean {
  const other = otherOf(device);
  return other?.digest === digest && other.state === "confirmed";
}

/** Another agent than ours knows of no permits: that its rollout allows older images is all that there is. */
export const asksForPermits = ({ agent }: Pick<DeviceRow, "agent">): boolean => agent === "flipside";

/** For the one transaction that may change it, or what hangs on it, now. */
export function lockDevice(db: Queries, id: string): Promise<DeviceRow | undefined> {
  return db
    .selectFrom("devices")
    .selectAll()
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .forUpdate()
    .executeTakeFirst();
}

/** Of these devices, each one's in the order of the alphabet. */
export async function tagsByDevice(db: Queries, ids: readonly string[]): Promise<Map<string, string[]>> {
  const tags = new Map<string, string[]>();
  for (let at = 0; at < ids.length; at += idsAtATime) {
    const rows = await db
      .selectFrom("deviceTags")
      .selectAll()
      .where("deviceId", "in", ids.slice(at, at + idsAtATime))
      .orderBy("deviceId")
      .orderBy("tag")
      .execute();
    for (const { deviceId, tag } of rows) {
      const known = tags.get(deviceId);
      if (known === undefined) tags.set(deviceId, [tag]);
      else known.push(tag);
    }
  }
  return tags;
}

/** Says which it had. */
/** `tagsFrom`: those that it has from now on, made of those that it had. */
export async function replaceTags(
  db: Queries,
  deviceId: string,
  tagsFrom: (before: readonly string[]) => readonly string[],
): Promise<{ before: string[]; after: string[] }> {
  const rows = await db.deleteFrom("deviceTags").where("deviceId", "=", deviceId).returning("tag").execute();
  const before = rows.map(({ tag }) => tag).sort();
  const after = [...new Set(tagsFrom(before))];
  if (after.length > 0)
    await db
      .insertInto("deviceTags")
      .values(after.map((tag) => ({ deviceId, tag })))
      .execute();
  return { before, after };
}

/** Newest first. */
function secretsOf(db: Queries, deviceId: string): Promise<DeviceSecret[]> {
  return db
    .selectFrom("deviceSecrets")
    .select(["generation", "secret"])
    .where("deviceId", "=", deviceId)
    .orderBy("generation", "desc")
    .execute();
}

export async function addSecret(db: Queries, deviceId: string, secret: Buffer): Promise<void> {
  const [newest] = await secretsOf(db, deviceId);
  const generation = (newest?.generation ?? 0) + 1;
  await db.insertInto("deviceSecrets").values({ deviceId, generation, secret }).execute();
  await db
    .deleteFrom("deviceSecrets")
    .where("deviceId", "=", deviceId)
    .where("generation", "<=", generation - secretsKept)
    .execute();
}

/** A secret was used: those that it replaced are worthless from now on. */
export async function retireSecretsBefore(db: Queries, deviceId: string, generation: number): Promise<void> {
  await db.deleteFrom("deviceSecrets").where("deviceId", "=", deviceId).where("generation", "<", generation).execute();
}
