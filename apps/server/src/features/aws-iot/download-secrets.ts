// What an action's payload is fetched by: an address with a secret in it that expires, since a thing has nothing else
// to show over HTTP. What is kept of the secret is its hash; the one that was given last is remembered, so that the
// same question has the same answer. After a restart another one is given, and those before hold until they expire.

import { hashOfSecret, newSecretText } from "../../secret-text.ts";
import type { ActionRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Actions } from "../other-agents/actions.ts";

const lifeMs = 24 * 3_600_000;
const rememberedMax = 20_000;
const secretPattern = /^[A-Za-z0-9_-]{43}$/;

export interface DownloadSecrets {
  /** Good for half of its life at least. */
  give(action: ActionRow): Promise<string>;
  /** What may be fetched by it; undefined: nothing, or not any more. */
  actionOf(secret: string): Promise<ActionRow | undefined>;
}

export function createDownloadSecrets(
  { db }: Storage,
  actions: Pick<Actions, "find">,
  wallMs: () => number,
): DownloadSecrets {
  const given = new Map<number, { secret: string; expiresAt: number }>();
  return {
    async give({ id: actionId, deviceId }) {
      const now = wallMs();
      const last = given.get(actionId);
      if (last !== undefined && last.expiresAt - now > lifeMs / 2) return last.secret;
      const secret = newSecretText();
      const expiresAt = now + lifeMs;
      await db.deleteFrom("awsDownloads").where("expiresAt", "<", now).execute();
      await db
        .insertInto("awsDownloads")
        .values({ secretHash: hashOfSecret(secret), actionId, deviceId, expiresAt })
        .execute();
      if (given.size >= rememberedMax) given.clear();
      given.set(actionId, { secret, expiresAt });
      return secret;
    },
    async actionOf(secret) {
      if (!secretPattern.test(secret)) return undefined;
      const row = await db
        .selectFrom("awsDownloads")
        .select(["actionId", "deviceId"])
        .where("secretHash", "=", hashOfSecret(secret))
        .where("expiresAt", ">", wallMs())
        .executeTakeFirst();
      return row && actions.find(row.deviceId, row.actionId);
    },
  };
}
