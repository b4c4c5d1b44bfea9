// Which trust records devices have, by how many; and who refused one. Found by a step for each record, and not by a
// look at each device: of a million devices, there are a few records.

import type { Scope } from "@flipside/api/scope";
import type { TrustSpread } from "@flipside/api/types";
import { errorName } from "@flipside/image-format";
import type { Queries } from "../../storage/storage.ts";
import { seenDevices } from "../scopes/scopes.ts";
import type { Trust } from "./trust.ts";

const examplesMax = 3;
/** Of records that devices say they have, which are as many as they like. */
const recordsMax = 100;
const refusalsMax = 100;

/** Null: an older agent, which says the version alone. */
export interface DeviceRecord {
  digest: string | null;
  version: number | null;
}

/** Each record that devices have of those who asks sees. */
export async function* recordsOfDevices(db: Queries, scope: Scope): AsyncGenerator<DeviceRecord & { digest: string }> {
  for (let after = ""; ; ) {
    const row = await seenDevices(db, scope)
      .select(["trustDigest", "trustVersion"])
      .where("trustDigest", "is not", null)
      .where("trustDigest", ">", after)
      .orderBy("trustDigest")
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return;
    yield { digest: row.trustDigest!, version: row.trustVersion };
    after = row.trustDigest!;
  }
}

const withRecord = (db: Queries, scope: Scope, { digest, version }: DeviceRecord) =>
  seenDevices(db, scope)
    .where("revokedAt", "is", null)
    .$if(digest === null, (q) => q.where("trustDigest", "is", null).where("trustVersion", "=", version))
    .$if(digest !== null, (q) => q.where("trustDigest", "=", digest));

/** Of older agents. */
async function versionsWithoutDigest(db: Queries, scope: Scope): Promise<DeviceRecord[]> {
  const rows = await seenDevices(db, scope)
    .select("trustVersion")
    .distinct()
    .where("trustDigest", "is", null)
    .where("trustVersion", "is not", null)
    .execute();
  return rows.map(({ trustVersion: version }) => ({ digest: null, version }));
}

async function refusals(db: Queries, scope: Scope): Promise<TrustSpread["refused"]> {
  const rows = await seenDevices(db, scope)
    .select(["id", "trustRefusedVersion", "trustRefusedCode"])
    .where("trustRefusedCode", "is not", null)
    .where("revokedAt", "is", null)
    .orderBy("id")
    .limit(refusalsMax + 1)
    .execute();
  const devices = rows.slice(0, refusalsMax).map(({ id, trustRefusedVersion, trustRefusedCode: code }) => ({
    id,
    trustRefused: { version: trustRefusedVersion ?? 0, code: code!, codeName: errorName(code!) },
  }));
  return { devices, isMore: rows.length > refusalsMax };
}

export async function trustSpread(db: Queries, trust: Pick<Trust, "relation">, scope: Scope): Promise<TrustSpread> {
  const had: DeviceRecord[] = await versionsWithoutDigest(db, scope);
  let isMore = false;
  for await (const record of recordsOfDevices(db, scope)) {
    isMore = had.length >= recordsMax;
    if (isMore) break;
    had.push(record);
  }
  const records: TrustSpread["records"] = [];
  for (const record of had) {
    const { count } = await withRecord(db, scope, record)
      .select((q) => q.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    if (Number(count) === 0) continue;
    const some = await withRecord(db, scope, record).select("id").orderBy("id").limit(examplesMax).execute();
    const { digest, version } = record;
    const relation = trust.relation(version, digest);
    records.push({ digest, version, relation, devices: Number(count), examples: some.map(({ id }) => id) });
  }
  const isSame = ({ relation }: TrustSpread["records"][number]): number => Number(relation === "same");
  records.sort(
    (one, other) =>
      (other.version ?? 0) - (one.version ?? 0) || isSame(other) - isSame(one) || other.devices - one.devices,
  );
  return { records, isMore, refused: await refusals(db, scope) };
}
