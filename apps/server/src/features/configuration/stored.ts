// A device's configurations in the database: those that were desired, the last of which is, and what the device says.

import type { Configuration, ConfigurationRefusal } from "@flipside/api/types";
import { errorName } from "@flipside/image-format";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { ConfigurationRow, DeviceRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

/** What the device says is in force, in `devices.configurationReported`. `at`: since when, of the wall clock. */
export interface ReportedConfiguration {
  number: number;
  digest: string;
  at: number;
}

/** In `configurations.refusal`. */
export interface StoredRefusal {
  code: number;
  appCode: number | null;
  text: string | null;
  at: number;
}

export const reportedOf = ({ configurationReported: text }: Pick<DeviceRow, "configurationReported">) =>
  text === null ? null : (JSON.parse(text) as ReportedConfiguration);

export const refusalOf = ({ refusal }: Pick<ConfigurationRow, "refusal">): StoredRefusal | null =>
  refusal === null ? null : (JSON.parse(refusal) as StoredRefusal);

export function configurationOf(db: Queries, deviceId: string, number: number): Promise<ConfigurationRow | undefined> {
  return db
    .selectFrom("configurations")
    .selectAll()
    .where("deviceId", "=", deviceId)
    .where("number", "=", number)
    .executeTakeFirst();
}

/** The one that is desired. */
export async function desiredOf(db: Queries, device: DeviceRow): Promise<ConfigurationRow | undefined> {
  const { id, configurationDesired: number } = device;
  return number === null ? undefined : configurationOf(db, id, number);
}

export function desiredView(row: ConfigurationRow): NonNullable<Configuration["desired"]> {
  const { number, document, digest, createdAt, createdBy: by } = row;
  return { number, document: JSON.parse(document) as Record<string, unknown>, digest, since: iso(createdAt), by };
}

export function refusalView(row: ConfigurationRow): ConfigurationRefusal | null {
  const refusal = refusalOf(row);
  if (refusal === null) return null;
  const { code, appCode, text, at } = refusal;
  return { number: row.number, code, codeName: errorName(code), appCode, text, at: iso(at) };
}

export const pastView = (row: ConfigurationRow) => ({
  ...desiredView(row),
  sentAt: isoOrNull(row.sentAt),
  inForceAt: isoOrNull(row.inForceAt),
  refused: refusalView(row),
});
