// Claims: pairs of device id and claim secret that the factory hands over, so that a device can prove itself once.

import type { Claim, ClaimPage } from "@flipside/api/types";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso } from "../../identifiers.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { equalInConstantTime } from "../../equal-in-constant-time.ts";

/** As its cursors name it. */
export const claimList = "claims";

export interface Claims {
  /** By their devices' ids; no secrets. */
  list(page: PageAsked): Promise<ClaimPage>;
  /** Stores all of them or none. The same pair again changes nothing; another secret for a device is refused. */
  import(claims: Claim[]): Promise<{ imported: number }>;
  /** Stores those that can be taken, and says which were not. `at` is the caller's own. */
  importEach(
    claims: readonly { at: number; deviceId: string; secret: string }[],
  ): Promise<{ imported: number; refused: { at: number; reason: string }[] }>;
}

type Outcome = "imported" | "known" | "another";

export function createClaims(storage: Storage, now: () => number): Claims {
  async function take(db: Queries, deviceId: string, secret: string): Promise<Outcome> {
    const bytes = Buffer.from(secret, "base64url");
    const known = await db.selectFrom("claims").select("secret").where("deviceId", "=", deviceId).executeTakeFirst();
    if (known !== undefined) return equalInConstantTime(known.secret, bytes) ? "known" : "another";
    await db.insertInto("claims").values({ deviceId, secret: bytes, createdAt: now() }).execute();
    return "imported";
  }

  return {
    async list({ limit, after }) {
      const rows = await storage.db
        .selectFrom("claims")
        .leftJoin("devices", "devices.id", "claims.deviceId")
        .select(["claims.deviceId", "claims.createdAt", "devices.id as enrolled"])
        .$if(after !== undefined, (q) => q.where("claims.deviceId", ">", String(after![0])))
        .orderBy("claims.deviceId")
        .limit(limit + 1)
        .execute();
      const page = paged(claimList, rows, limit, ({ deviceId }) => [deviceId]);
      return {
        claims: page.rows.map(({ deviceId, createdAt, enrolled }) => ({
          deviceId,
          createdAt: iso(createdAt),
          enrolled: enrolled !== null,
        })),
        next: page.next,
      };
    },
    import: (claims) =>
      storage.transaction(async ({ db }) => {
        let imported = 0;
        for (const { deviceId, secret } of claims) {
          const outcome = await take(db, deviceId, secret);
          if (outcome === "another")
            throw new ApiError(
              "claim-exists",
              `Device ${deviceId} has a claim with another secret. Nothing was imported; check the list against the factory's.`,
            );
          if (outcome === "imported") imported++;
        }
        return { imported };
      }),
    importEach: (claims) =>
      storage.transaction(async ({ db }) => {
        let imported = 0;
        const refused: { at: number; reason: string }[] = [];
        for (const { at, deviceId, secret } of claims) {
          const outcome = await take(db, deviceId, secret);
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
