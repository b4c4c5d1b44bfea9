// Accounts of people who sign in at an OpenID provider, bound to what that provider knows them by; what their sessions
// are known by there; and sign-ins that were used, so that none is used twice. Passkeys of the others, the codes that
// stand in for them, and what is under way.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add, index, table }) => {
  await add(db, "accounts", "oidcIssuer: text", "oidcSubject: text");
  await index(db, "accountsByOidcSubject", "accounts", ["oidcIssuer", "oidcSubject"], {
    unique: true,
    where: `"oidcSubject" is not null`,
  });
  await add(db, "userSessions", "oidcSession: text", "oidcToken: text");
  await table(db, "usedOnce", ["hash: text primary key", "endsAt: milliseconds not null"]);
  await table(db, "passkeys", [
    "id: text primary key",
    "credentialId: text not null unique",
    "userName: text not null",
    "name: text not null",
    "publicKey: text not null",
    "counter: milliseconds not null",
    "transports: text not null",
    "isSynced: boolean not null",
    "createdAt: milliseconds not null",
    "lastUsedAt: milliseconds",
  ]);
  await index(db, "passkeysByAccount", "passkeys", ["userName", "createdAt", "id"]);
  await table(db, "recoveryCodes", ["hash: text primary key", "userName: text not null"]);
  await index(db, "recoveryCodesByAccount", "recoveryCodes", ["userName"]);
  await table(db, "challenges", [
    "hash: text primary key",
    "userName: text not null",
    "challenge: text not null",
    "triesLeft: integer not null",
    "endsAt: milliseconds not null",
  ]);
};
