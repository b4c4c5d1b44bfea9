// Things of AWS IoT, as they are stored: a row among all devices, and beside it the certificate that lets one in.

import type { Queries } from "../../storage/storage.ts";
import { insertDevice, type NewDevice } from "../other-agents/device-rows.ts";

export async function insertThing(
  db: Queries,
  { certificate, ...thing }: Omit<NewDevice, "agent"> & { certificate: string },
  at: number,
): Promise<void> {
  await insertDevice(db, { ...thing, agent: "aws-iot" }, at);
  await db
    .insertInto("awsThings")
    .values({ deviceId: thing.id, certificate, createdAt: at, shadowVersion: 0 })
    .execute();
}

/** Whose it is; undefined: it is registered for nobody. `certificate`: SHA-256, hex. */
export async function thingOf(db: Queries, certificate: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("awsThings")
    .select("deviceId")
    .where("certificate", "=", certificate)
    .executeTakeFirst();
  return row?.deviceId;
}

/** False: there is no such thing. */
export async function setCertificate(db: Queries, thing: string, certificate: string | null): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("awsThings")
    .set({ certificate })
    .where("deviceId", "=", thing)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function shadowVersionOf(db: Queries, thing: string): Promise<number> {
  const row = await db.selectFrom("awsThings").select("shadowVersion").where("deviceId", "=", thing).executeTakeFirst();
  return row?.shadowVersion ?? 0;
}

export async function raiseShadowVersion(db: Queries, thing: string): Promise<void> {
  await db
    .updateTable("awsThings")
    .set((q) => ({ shadowVersion: q("shadowVersion", "+", 1) }))
    .where("deviceId", "=", thing)
    .execute();
}
