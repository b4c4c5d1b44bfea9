// Accounts have one of several roles, and sessions are rows that can be listed and ended one by one, as are tokens.
// Sessions of before end by it: people sign in again.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index, add }) => {
  await execute(db, `update "accounts" set "role" = 'administrator' where "role" = 'admin'`);
  await execute(db, `alter table "accounts" drop column "tokenGeneration"`);
  await add(db, "accounts", "lastSignedInAt: milliseconds");
  await execute(db, `drop table "endedTokens"`);
  await execute(db, `delete from "meta" where "key" = 'token-secret'`);
  await table(db, "userSessions", [
    "id: text primary key",
    "hash: text not null unique",
    "userName: text not null",
    "startedAt: milliseconds not null",
    "lastSeenAt: milliseconds not null",
    "endsAt: milliseconds not null",
    "address: text not null",
    "client: text not null",
  ]);
  await index(db, "userSessionsByAccount", "userSessions", ["userName", "startedAt", "id"]);
  await index(db, "userSessionsByStart", "userSessions", ["startedAt", "id"]);
  await table(db, "apiTokens", [
    "id: text primary key",
    "hash: text not null unique",
    "userName: text not null",
    "name: text not null",
    "permissions: text not null",
    "createdAt: milliseconds not null",
    "endsAt: milliseconds not null",
    "lastUsedAt: milliseconds",
  ]);
  await index(db, "apiTokensByAccount", "apiTokens", ["userName", "createdAt", "id"]);
  await index(db, "apiTokensByCreation", "apiTokens", ["createdAt", "id"]);
};
