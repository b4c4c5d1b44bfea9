// People, devices, releases, rollouts.

import type { Migrate } from "./tools.ts";

const people: Migrate = async (db, { table }) => {
  await table(db, "meta", ["key: text primary key", "value: bytes not null"]);
  await table(db, "accounts", [
    "userName: text primary key",
    "role: text not null",
    "passwordHash: text not null",
    "mustChangePassword: boolean not null",
    "tokenGeneration: integer not null",
    "createdAt: milliseconds not null",
  ]);
  await table(db, "endedTokens", ["tokenId: text primary key", "expiresAt: milliseconds not null"]);
};

const devices: Migrate = async (db, { table, index }) => {
  await table(db, "claims", [
    "deviceId: text primary key",
    "secret: bytes not null",
    "createdAt: milliseconds not null",
  ]);
  await table(db, "devices", [
    "id: text primary key",
    "publicKey: bytes not null",
    "enrolledAt: milliseconds not null",
    "revokedAt: milliseconds",
    "lastSeenAt: milliseconds",
    "product: text",
    "hardware: text",
    "revision: integer",
    "loaderVersion: integer",
    "trustVersion: integer",
    "securityFloor: integer",
    "slotBytes: integer",
    "bootCounter: integer",
    "bootReason: text",
    "health: text not null",
    "running: text",
    "other: text",
    "metricName: text",
    "metricValue: integer",
  ]);
  await table(
    db,
    "deviceSecrets",
    [`deviceId: text not null references "devices" ("id")`, "generation: integer not null", "secret: bytes not null"],
    `primary key ("deviceId", "generation")`,
  );
  await table(db, "deviceLog", [
    "id: rowNumber",
    "deviceId: text not null",
    "at: milliseconds not null",
    "kind: text not null",
    "detail: text not null",
  ]);
  await index(db, "deviceLogByDevice", "deviceLog", ["deviceId", "id"]);
};

const releases: Migrate = async (db, { table, index }) => {
  await table(db, "releases", [
    "id: text primary key",
    "product: text not null",
    "version: text not null",
    "releaseSequence: integer not null",
    "description: text",
    "uploadedAt: milliseconds not null",
    "uploadedBy: text not null",
  ]);
  await index(db, "releaseByVersion", "releases", ["product", "version"], { unique: true });
  await table(db, "images", [
    "digest: text primary key",
    `releaseId: text not null references "releases" ("id")`,
    "hardware: text not null",
    "revisionMin: integer not null",
    "revisionMax: integer not null",
    "securityCounter: integer not null",
    "keyId: text not null",
    "header: bytes not null",
    "signatureBlock: bytes not null",
    "filePath: text not null",
    "sizeBytes: integer not null",
    "tableOffset: integer not null",
    "payloadOffset: integer not null",
    "payloadBytes: integer not null",
    "chunkBytes: integer not null",
    "chunkCount: integer not null",
  ]);
  await index(db, "imagesByRelease", "images", ["releaseId"]);
  await table(
    db,
    "permits",
    [
      "digest: text not null",
      "deviceHash: text not null",
      "permit: bytes not null",
      "createdAt: milliseconds not null",
    ],
    `primary key ("digest", "deviceHash")`,
  );
};

const rollouts: Migrate = async (db, { table, index }) => {
  await table(db, "rollouts", [
    "id: text primary key",
    "name: text not null",
    `releaseId: text not null references "releases" ("id")`,
    "state: text not null",
    "pauseReason: text",
    "currentWave: integer not null",
    "waveTotals: text not null",
    "deadlineMs: integer not null",
    "failureThresholdPercent: real not null",
    "allowOlder: boolean not null",
    "acceptedWave: integer not null",
    "acceptedFinished: integer not null",
    "acceptedFailed: integer not null",
    "createdAt: milliseconds not null",
    "createdBy: text not null",
    "finishedAt: milliseconds",
  ]);
  await table(db, "deployments", [
    "position: rowNumber",
    "id: text not null unique",
    `rolloutId: text not null references "rollouts" ("id")`,
    `deviceId: text not null references "devices" ("id")`,
    "digest: text not null",
    "wave: integer not null",
    "attempt: integer not null",
    "state: text not null",
    "code: integer not null",
    "done: integer not null",
    "total: integer not null",
    "createdAt: milliseconds not null",
    "updatedAt: milliseconds not null",
    "offeredAt: milliseconds",
    "deadlineAt: milliseconds",
    "finishedAt: milliseconds",
  ]);
  await index(db, "deploymentByRolloutDevice", "deployments", ["rolloutId", "deviceId"], { unique: true });
  await index(db, "deploymentsByTally", "deployments", ["rolloutId", "wave", "state"]);
  await index(db, "deploymentsByDevice", "deployments", ["deviceId", "position"]);
  await index(db, "openDeadlines", "deployments", ["deadlineAt"], {
    where: `"finishedAt" is null and "deadlineAt" is not null`,
  });
  await table(db, "decisions", [
    "id: rowNumber",
    `rolloutId: text not null references "rollouts" ("id")`,
    "at: milliseconds not null",
    "text: text not null",
  ]);
  await index(db, "decisionsByRollout", "decisions", ["rolloutId", "id"]);
};

export const migrate: Migrate = async (db, tools) => {
  for (const part of [people, devices, releases, rollouts]) await part(db, tools);
};
