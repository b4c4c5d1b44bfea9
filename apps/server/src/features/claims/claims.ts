// Claims: pairs of device id and claim secret that the factory hands over, so that a device can prove itself once.

import { CLAIM_SECRET_BYTES } from "@flipside/image-format";
import { Router } from "express";
import { z } from "zod";
import { ApiError } from "../../http/errors.ts";
import { isDeviceId } from "../../mqtt/topics.ts";
import type { Storage } from "../../storage/storage.ts";
import { equalInConstantTime } from "../sessions/mac.ts";
import { binary } from "../sessions/messages.ts";

const claim = z.strictObject({
  deviceId: z.string().refine(isDeviceId, "1 to 48 characters of a-z, 0-9 and -"),
  secret: binary(CLAIM_SECRET_BYTES),
});
export const claimImport = z.strictObject({ claims: z.array(claim).min(1).max(20_000) });

export interface Claims {
  /** Stores all of them or none. The same pair again changes nothing; another secret for a device is refused. */
  import(claims: z.infer<typeof claimImport>["claims"]): Promise<{ imported: number }>;
}

export function createClaims(storage: Storage, now: () => number): Claims {
  return {
    import: (claims) =>
      storage.transaction(async ({ db }) => {
        let imported = 0;
        for (const { deviceId, secret } of claims) {
          const bytes = Buffer.from(secret, "base64url");
          const known = await db.selectFrom("claims").select("secret").where("deviceId", "=", deviceId).executeTakeFirst();
          if (known === undefined) {
            await db.insertInto("claims").values({ deviceId, secret: bytes, createdAt: now() }).execute();
            imported++;
          } else if (!equalInConstantTime(known.secret, bytes)) {
            throw new ApiError("claim-exists", `Device ${deviceId} has a claim with another secret. Nothing was imported; check the list against the factory's.`);
          }
        }
        return { imported };
      }),
  };
}

export function claimRoutes(claims: Claims): Router {
  const router = Router();
  router.post("/claims", async (request, response) => {
    response.status(201).json(await claims.import(claimImport.parse(request.body).claims));
  });
  return router;
}
