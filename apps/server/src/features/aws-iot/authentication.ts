// Who has come over TLS: a thing, by its certificate. Its name is the client id; that both belong together is what is
// looked at here, and that the certificate is valid today.

import type { ClientCertificate, CredentialVerdict } from "../../mqtt/device-link.ts";
import type { Storage } from "../../storage/storage.ts";
import { thingOf } from "./thing-records.ts";

export type Authentication = (thing: string, certificate: ClientCertificate) => Promise<CredentialVerdict>;

export const createAuthentication =
  ({ storage, wallMs }: { storage: Storage; wallMs: () => number }): Authentication =>
  async (thing, { sha256, validFromMs, validToMs }) => {
    const { db } = storage;
    const whose = await thingOf(db, sha256);
    if (whose === undefined) return "unknown";
    if (whose !== thing) return "wrong";
    const device = await db.selectFrom("devices").select("revokedAt").where("id", "=", thing).executeTakeFirst();
    if (device === undefined || device.revokedAt !== null) return "revoked";
    const nowMs = wallMs();
    // What is no date is not valid, either.
    return nowMs >= validFromMs && nowMs <= validToMs ? "accepted" : "expired";
  };
