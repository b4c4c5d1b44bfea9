// Devices that another agent speaks for, by hawkBit's DDI: what they are let in by, which actions they were given, and
// what their images' payloads are checked by.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add, index, table }) => {
  await add(db, "devices", "agent: text not null default 'flipside'");
  await index(db, "devicesOfOtherAgents", "devices", ["id"], { where: `"agent" <> 'flipside'` });
  await add(db, "rollouts", "acceptsClaimed: boolean not null default false");
  await table(db, "hawkbitTargets", [
    "deviceId: text primary key",
    "tokenHash: bytes",
    "createdAt: milliseconds not null",
    "attributesAt: milliseconds",
  ]);
  await table(
    db,
    "hawkbitActions",
    [
      "id: rowNumber",
      "deviceId: text not null",
      "deploymentId: text not null",
      "attempt: integer not null",
      "digest: text not null",
      "state: text not null",
      "cancelsShown: integer not null",
      "createdAt: milliseconds not null",
      "claimedAt: milliseconds",
      "provenAt: milliseconds",
    ],
    `unique ("deploymentId", "attempt")`,
  );
  await index(db, "hawkbitActionsByDevice", "hawkbitActions", ["deviceId", "id"]);
  await table(db, "payloadHashes", [
    "digest: text primary key",
    "sha1: text not null",
    "md5: text not null",
    "sha256: text not null",
    "suffix: text not null",
  ]);
};
