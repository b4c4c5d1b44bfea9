// Which release of a product is the newest, as a release key has signed it; and what devices have seen of that.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, add, index }) => {
  await table(db, "releaseStates", [
    "product: text primary key",
    "version: text not null",
    "releaseSequence: integer not null",
    "issuedAt: milliseconds not null",
    "validUntil: milliseconds not null",
    "file: bytes not null",
    "uploadedAt: milliseconds not null",
    "uploadedBy: text not null",
  ]);
  await add(db, "devices", "releaseState: text", "releaseStateWarning: text");
  await index(db, "devicesByReleaseStateWarning", "devices", ["id"], { where: `"releaseStateWarning" is not null` });
};
