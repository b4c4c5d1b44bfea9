// Claims that end, that hold so many times, for one key alone, or until an operator has looked.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add, index }) => {
  await add(
    db,
    "claims",
    "endsAt: milliseconds",
    "enrolmentsLeft: integer",
    "lastEnrolledAt: milliseconds",
    "publicKey: bytes",
    "approval: text not null default 'not-needed'",
    "askedKey: bytes",
    "askedAt: milliseconds",
  );
  await index(db, "claimsThatWait", "claims", ["deviceId"], { where: `"askedKey" is not null` });
};
