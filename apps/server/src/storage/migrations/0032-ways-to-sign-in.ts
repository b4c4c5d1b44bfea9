// Accounts of people who sign in at an OpenID provider, bound to what that provider knows them by; what their sessions
// are known by there; and sign-ins that were used, so that none is used twice.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add, index, table }) => {
  await add(db, "accounts", "oidcIssuer: text", "oidcSubject: text");
  await index(db, "accountsByOidcSubject", "accounts", ["oidcIssuer", "oidcSubject"], {
    unique: true,
    where: `"oidcSubject" is not null`,
  });
  await add(db, "userSessions", "oidcSession: text", "oidcToken: text");
  await table(db, "usedOnce", ["hash: text primary key", "endsAt: milliseconds not null"]);
};
