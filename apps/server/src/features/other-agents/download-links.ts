// Addresses of payloads that let in whoever has them, for a while: clients of some interfaces fetch without showing who
// they are. What the address names is still asked for at each piece (downloads.ts).

import { createHmac, randomBytes } from "node:crypto";
import { equalInConstantTime } from "../../equal-in-constant-time.ts";
import type { Storage } from "../../storage/storage.ts";

const metaKey = "download-link-key";
const keyBytes = 32;

export interface DownloadLinks {
  /** Query of an address that ends at `endsAtMs`. */
  sign(actionId: number, endsAtMs: number): Promise<string>;
  isSigned(actionId: number, query: Record<string, unknown>, nowMs: number): Promise<boolean>;
}

export function createDownloadLinks({ db }: Storage): DownloadLinks {
  const kept = async (): Promise<Buffer | undefined> =>
    (await db.selectFrom("meta").select("value").where("key", "=", metaKey).executeTakeFirst())?.value;
  let key: Promise<Buffer> | undefined;

  /** Made once for a database: links outlast a restart, as downloads do. */
  async function makeKey(): Promise<Buffer> {
    await db
      .insertInto("meta")
      .values({ key: metaKey, value: randomBytes(keyBytes) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return (await kept())!;
  }

  async function signatureOf(actionId: number, endsAtMs: number): Promise<string> {
    key ??= kept()
      .then((found) => found ?? makeKey())
      .catch((error: unknown) => {
        key = undefined;
        throw error;
      });
    return createHmac("sha256", await key)
      .update(`${actionId} ${endsAtMs}`)
      .digest("base64url");
  }

  return {
    sign: async (actionId, endsAtMs) => `ends=${endsAtMs}&signature=${await signatureOf(actionId, endsAtMs)}`,
    async isSigned(actionId, { ends, signature }, nowMs) {
      const endsAtMs = Number(ends);
      if (typeof signature !== "string" || !Number.isSafeInteger(endsAtMs)) return false;
      const isRight = equalInConstantTime(Buffer.from(signature), Buffer.from(await signatureOf(actionId, endsAtMs)));
      return isRight && nowMs < endsAtMs;
    },
  };
}
