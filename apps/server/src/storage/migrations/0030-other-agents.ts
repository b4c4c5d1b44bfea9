// What hawkBit's devices have had of their own, devices of all other agents have: actions. And Mender's: which keys
// speak for whom, and what payloads call themselves.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { index, table }) => {
  await execute(db, `alter table "hawkbitActions" rename to "otherAgentActions"`);
  await execute(db, `drop index "hawkbitActionsByDevice"`);
  await index(db, "otherAgentActionsByDevice", "otherAgentActions", ["deviceId", "id"]);
  await table(db, "payloadNames", ["digest: text primary key", "name: text", "fits: text"]);
  await index(db, "payloadsByName", "payloadNames", ["name"]);
  await table(
    db,
    "menderAuthSets",
    [
      "id: text primary key",
      "identityHash: text not null",
      "identity: text not null",
      "keyHash: text not null",
      "publicKey: text not null",
      "state: text not null",
      "deviceId: text",
      "createdAt: milliseconds not null",
      "askedAt: milliseconds",
      "tokenHash: text",
      "tokenEndsAt: milliseconds",
    ],
    `unique ("identityHash", "keyHash")`,
  );
  await index(db, "menderAuthSetsByToken", "menderAuthSets", ["tokenHash"]);
  await index(db, "menderAuthSetsByDevice", "menderAuthSets", ["deviceId"]);
  await index(db, "menderAuthSetsInOrder", "menderAuthSets", ["createdAt", "id"]);
  await index(db, "pendingMenderAuthSets", "menderAuthSets", ["askedAt"], { where: `"state" = 'pending'` });
};
