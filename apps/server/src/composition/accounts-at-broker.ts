// Where the broker keeps devices' accounts, and this server manages them there: claims may enrol, and enrolled devices
// connect.

import type { Claims } from "../features/claims/claims.ts";
import type { BrokerAccounts } from "../mqtt/device-link.ts";
import type { Storage } from "../storage/storage.ts";

/** Claims whose devices may also enrol at the broker. */
export function claimsAtBroker(stored: Claims, accounts: BrokerAccounts | undefined): Claims {
  if (accounts === undefined) return stored;
  return {
    ...stored,
    async import(given, rules) {
      const result = await stored.import(given, rules);
      await accounts.mayEnrol(given.map(({ deviceId }) => deviceId));
      return result;
    },
    async importEach(given) {
      const result = await stored.importEach(given);
      const refused = new Set(result.refused.map(({ at }) => at));
      await accounts.mayEnrol(given.filter(({ at }) => !refused.has(at)).map(({ deviceId }) => deviceId));
      return result;
    },
  };
}

/** Makes the accounts that are missing. */
export async function syncAccounts({ db }: Storage, accounts: BrokerAccounts): Promise<void> {
  const revoked = new Set(
    (
      await db
        .selectFrom("devices")
        .select("id")
        .where("revokedAt", "is not", null)
        .where("deletedAt", "is", null)
        .execute()
    ).map(({ id }) => id),
  );
  const claimed = (await db.selectFrom("claims").select("deviceId").execute()).map(({ deviceId }) => deviceId);
  const secrets = await db
    .selectFrom("deviceSecrets")
    .select(["deviceId as id", "secret"])
    .orderBy("generation", "asc")
    .execute();
  const newest = new Map(secrets.map(({ id, secret }) => [id, secret.toString("base64url")]));
  await accounts.sync(
    claimed.filter((id) => !revoked.has(id)),
    [...newest].filter(([id]) => !revoked.has(id)).map(([id, secret]) => ({ id, secret })),
  );
}
