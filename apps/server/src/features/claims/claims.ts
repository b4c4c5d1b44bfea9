// Claims: pairs of device id and claim secret that the factory hands over, so that a device can prove itself once.

import type { Claim, ClaimPage } from "@flipside/api/types";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { Insertable, Selectable } from "kysely";
import type { ClaimTable } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { equalInConstantTime } from "../../equal-in-constant-time.ts";

/** As its cursors name it. */
export const claimList = "claims";

/** What holds for all claims of a list. */
export interface ClaimRules {
  lifeDays?: number | undefined;
  enrolments?: number | undefined;
  approval?: boolean;
}

export type ShownClaim = ClaimPage["claims"][number];

export interface Claims {
  /** By their devices' ids; no secrets. `waiting`: those alone that wait for an approval. */
  list(page: PageAsked, only?: { waiting: boolean }): Promise<ClaimPage>;
  /** Stores all of them or none. The same pair again changes nothing; another secret for a device is refused. */
  import(claims: readonly Claim[], rules?: ClaimRules): Promise<{ imported: number }>;
  /** Throws where there is none. */
  withdraw(deviceId: string): Promise<ShownClaim>;
  /** Lets in who has proved the claim with this key. Throws when nobody waits with it. */
  approve(deviceId: string, publicKey: Uint8Array, by: string): Promise<ShownClaim>;
  /** Stores those that can be taken, and says which were not. `at` is the caller's own. */
  importEach(
    claims: readonly (Claim & { at: number })[],
  ): Promise<{ imported: number; refused: { at: number; reason: string }[] }>;
}

type ClaimRow = Selectable<ClaimTable>;
type Outcome = "imported" | "known" | "another";

const dayMs = 24 * 3_600_000;

const stored = (
  { deviceId, secret, publicKey }: Claim,
  { lifeDays, enrolments, approval }: ClaimRules,
  nowMs: number,
): Insertable<ClaimTable> => ({
  deviceId,
  secret: Buffer.from(secret, "base64url"),
  createdAt: nowMs,
  endsAt: lifeDays === undefined ? null : nowMs + lifeDays * dayMs,
  enrolmentsLeft: enrolments ?? null,
  lastEnrolledAt: null,
  publicKey: publicKey === undefined ? null : Buffer.from(publicKey, "base64url"),
  approval: approval ? "needed" : "not-needed",
  askedKey: null,
  askedAt: null,
});

const keyText = (key: Uint8Array | null): string | null =>
  key === null ? null : Buffer.from(key).toString("base64url");

const shown = ({ enrolled, ...row }: Omit<ClaimRow, "secret"> & { enrolled: string | null }): ShownClaim => ({
  deviceId: row.deviceId,
  createdAt: iso(row.createdAt),
  enrolled: enrolled !== null,
  endsAt: isoOrNull(row.endsAt),
  enrolmentsLeft: row.enrolmentsLeft,
  lastEnrolledAt: isoOrNull(row.lastEnrolledAt),
  publicKey: keyText(row.publicKey),
  approval: row.approval,
  asked: row.askedKey === null ? null : { publicKey: keyText(row.askedKey)!, at: iso(row.askedAt!) },
});

const shownColumns = [
  ...["deviceId", "createdAt", "endsAt", "enrolmentsLeft", "lastEnrolledAt"],
  ...["publicKey", "approval", "askedKey", "askedAt"],
].map((name) => `claims.${name}`) as `claims.${keyof Omit<ClaimRow, "secret">}`[];

const claimsWithDevices = (db: Queries) =>
  db
    .selectFrom("claims")
    .leftJoin("devices", "devices.id", "claims.deviceId")
    .select([...shownColumns, "devices.id as enrolled"]);

const noClaim = (): ApiError => new ApiError("not-found", "There is no claim for this device.");

export function createClaims(storage: Storage, now: () => number, deviceLog: Pick<DeviceLog, "add">): Claims {
  async function take(db: Queries, claim: Claim, rules: ClaimRules): Promise<Outcome> {
    const row = stored(claim, rules, now());
    const known = await db
      .selectFrom("claims")
      .select("secret")
      .where("deviceId", "=", claim.deviceId)
      .executeTakeFirst();
    if (known !== undefined) return equalInConstantTime(known.secret, row.secret) ? "known" : "another";
    await db.insertInto("claims").values(row).execute();
    return "imported";
  }

  async function one(db: Queries, deviceId: string): Promise<ShownClaim> {
    const row = await claimsWithDevices(db).where("claims.deviceId", "=", deviceId).executeTakeFirst();
    if (row === undefined) throw noClaim();
    return shown(row);
  }

  return {
    async list({ limit, after }, { waiting } = { waiting: false }) {
      const rows = await claimsWithDevices(storage.db)
        .$if(waiting, (q) => q.where("claims.askedKey", "is not", null))
        .$if(after !== undefined, (q) => q.where("claims.deviceId", ">", String(after![0])))
        .orderBy("claims.deviceId")
        .limit(limit + 1)
        .execute();
      const page = paged(claimList, rows, limit, ({ deviceId }) => [deviceId]);
      return { claims: page.rows.map(shown), next: page.next };
    },
    withdraw: (deviceId) =>
      storage.transaction(async ({ db }) => {
        const before = await one(db, deviceId);
        await db.deleteFrom("claims").where("deviceId", "=", deviceId).execute();
        return before;
      }),
    async approve(deviceId, publicKey, by) {
      const approved = await storage.transaction(async ({ db }) => {
        const row = await db
          .selectFrom("claims")
          .select(["askedKey", "approval"])
          .where("deviceId", "=", deviceId)
          .forUpdate()
          .executeTakeFirst();
        if (row === undefined) throw noClaim();
        if (row.approval !== "needed" || row.askedKey === null)
          throw new ApiError("claim-state", "No device waits for an approval by this claim.");
        if (Buffer.compare(row.askedKey, publicKey) !== 0)
          throw new ApiError("claim-state", "Another key has asked since. Look at the claim again.");
        const given = { approval: "given" as const, publicKey: row.askedKey, askedKey: null, askedAt: null };
        await db.updateTable("claims").set(given).where("deviceId", "=", deviceId).execute();
        return one(db, deviceId);
      });
      deviceLog.add(deviceId, "enrolment", `approved by ${by}`);
      return approved;
    },
    import: (claims, rules = {}) =>
      storage.transaction(async ({ db }) => {
        let imported = 0;
        for (const claim of claims) {
          const outcome = await take(db, claim, rules);
          if (outcome === "another")
            throw new ApiError(
              "claim-exists",
              `Device ${claim.deviceId} has a claim with another secret. Nothing was imported; check the list against the factory's.`,
            );
          if (outcome === "imported") imported++;
        }
        return { imported };
      }),
    importEach: (claims) =>
      storage.transaction(async ({ db }) => {
        let imported = 0;
        const refused: { at: number; reason: string }[] = [];
        for (const { at, ...claim } of claims) {
          const { deviceId } = claim;
          const outcome = await take(db, claim, {});
          if (outcome === "imported") imported++;
          if (outcome === "another")
            refused.push({
              at,
              reason: `device ${deviceId} has a claim with another secret; replace its board, if it is another one`,
            });
        }
        return { imported, refused };
      }),
  };
}
