// The keys by which a client of TLS may prove that it is the device whose name it gave: one of each of its secrets, or
// of its claim where it wants to enrol (docs/protocol.md, "Channel"). What it may do then is asked later.

import { tlsEnrolKey, tlsKey } from "@flipside/protocol/macs";
import { principalOf } from "@flipside/protocol/topics";
import type { Storage } from "../../storage/storage.ts";
import { identityOf } from "../device-records/store.ts";

/** By user name; none where nobody is known by it. */
export const createChannelKeys =
  ({ db }: Pick<Storage, "db">) =>
  async (userName: string): Promise<Uint8Array[]> => {
    const principal = principalOf(userName);
    if (principal === undefined) return [];
    const { deviceId, enrolling } = principal;
    if (enrolling) {
      const claim = await db.selectFrom("claims").select("secret").where("deviceId", "=", deviceId).executeTakeFirst();
      return claim === undefined ? [] : [tlsEnrolKey(claim.secret, deviceId)];
    }
    const device = await identityOf(db, deviceId);
    return (device?.secrets ?? []).map(({ secret }) => tlsKey(secret, deviceId));
  };
