// The database's history, written once for both dialects. A migration is never changed once released; a new one is
// added at the end. Column names are those of schema.ts.

import { type Kysely, type Migration, type MigrationProvider, sql } from "kysely";
import type { ColumnTypes } from "./column-types.ts";

type Run = (db: Kysely<any>) => Promise<void>;

/** "name: type rest" a column, type one of ColumnTypes; quoted, since PostgreSQL folds what is not. */
function columnsOf(types: ColumnTypes, columns: readonly string[]): string[] {
  return columns.map((column) => {
    const [, name, type, rest] = /^(\w+): (\w+)(.*)$/.exec(column) ?? [];
    if (name === undefined || type === undefined || !(type in types)) throw new Error(`no column: ${column}`);
    return `"${name}" ${types[type as keyof ColumnTypes]}${rest}`;
  });
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
const execute = (db: Kysely<any>, text: string): Promise<unknown> => sql.raw(text).execute(db);

function tools(types: ColumnTypes) {
  return {
    table: (db: Kysely<any>, name: string, columns: string[], ...constraints: string[]) =>
      execute(
        db,
        `create table "${name}" (${[...columnsOf(types, columns), ...constraints].join(", ")}) ${types.tableEnd}`,
      ),
    index: (db: Kysely<any>, name: string, table: string, columns: string[], { unique = false, where = "" } = {}) =>
      execute(
        db,
        `create ${unique ? "unique " : ""}index "${name}" on "${table}" (${quoted(columns)})${where && ` where ${where}`}`,
      ),
    async add(db: Kysely<any>, table: string, ...columns: string[]) {
      for (const column of columnsOf(types, columns)) await execute(db, `alter table "${table}" add column ${column}`);
    },
  };
}

type Tools = ReturnType<typeof tools>;

async function people(db: Kysely<any>, { table }: Tools): Promise<void> {
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
}

async function devices(db: Kysely<any>, { table, index }: Tools): Promise<void> {
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
}

async function releases(db: Kysely<any>, { table, index }: Tools): Promise<void> {
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
}

async function rollouts(db: Kysely<any>, { table, index }: Tools): Promise<void> {
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
}

async function imageFileNames(db: Kysely<any>, { add }: Tools): Promise<void> {
  await add(db, "images", "fileName: text not null default ''", "fileDigest: text");
  for (const { digest, filePath } of await db.selectFrom("images").select(["digest", "filePath"]).execute()) {
    const fileName = String(filePath).split(/[/\\]/).at(-1)!;
    await db.updateTable("images").set({ fileName }).where("digest", "=", digest).execute();
  }
  await execute(db, `alter table "images" drop column "filePath"`);
}

async function gates(db: Kysely<any>, { add }: Tools): Promise<void> {
  // What runs already goes on as it was begun.
  await add(
    db,
    "rollouts",
    "minimumSample: integer not null default 1",
    "soakMs: integer not null default 0",
    "soakUntil: milliseconds",
    "lateOffersMs: milliseconds not null default 0",
    "underWayMax: integer",
    "urgent: boolean not null default false",
    "accepted: text not null default '[]'",
    "decisionCount: integer not null default 0",
  );
  await execute(
    db,
    `update "rollouts" set "decisionCount" = (select count(*) from "decisions" where "rolloutId" = "rollouts"."id")`,
  );
  const resumed = await db
    .selectFrom("rollouts")
    .select(["id", "acceptedWave", "acceptedFinished", "acceptedFailed"])
    .where("acceptedWave", ">=", 0)
    .execute();
  for (const { id, acceptedWave, acceptedFinished, acceptedFailed } of resumed) {
    const ofWaves = Array.from({ length: acceptedWave + 1 }, () => ({ finished: 0, failed: 0 }));
    ofWaves[acceptedWave] = { finished: acceptedFinished, failed: acceptedFailed };
    await db
      .updateTable("rollouts")
      .set({ accepted: JSON.stringify(ofWaves) })
      .where("id", "=", id)
      .execute();
  }
  for (const column of ["acceptedWave", "acceptedFinished", "acceptedFailed"])
    await execute(db, `alter table "rollouts" drop column "${column}"`);
}

/** What held for a whole rollout is written as the rules of each of its waves. */
async function waveRules(db: Kysely<any>, { add }: Tools): Promise<void> {
  await add(
    db,
    "rollouts",
    "rules: text not null default '[]'",
    "retries: text not null default '[]'",
    "maintenance: text",
    "approvals: text not null default '[]'",
    "heldFor: text",
    "nextOfferAt: milliseconds",
    "rollBackDue: text",
  );
  await add(db, "deployments", "notBefore: milliseconds", "cameFrom: text");
  const before = ["deadlineMs", "failureThresholdPercent", "minimumSample", "soakMs", "underWayMax"] as const;
  for (const { id, waveTotals, ...held } of await db
    .selectFrom("rollouts")
    .select(["id", "waveTotals", ...before])
    .execute()) {
    const rule = { ...held, thresholdAction: "pause", rate: null, approval: false, startAt: null };
    const rules = JSON.stringify((JSON.parse(waveTotals) as number[]).map(() => rule));
    await db.updateTable("rollouts").set({ rules }).where("id", "=", id).execute();
  }
  for (const column of before) await execute(db, `alter table "rollouts" drop column "${column}"`);
}

async function healthGate(db: Kysely<any>, { table, index, add }: Tools): Promise<void> {
  await add(db, "rollouts", "health: text");
  const ofRollout = `rolloutId: text not null references "rollouts" ("id")`;
  await table(
    db,
    "healthTests",
    [
      ofRollout,
      "metric: text not null",
      "evidence: text not null",
      "updatedAtRisk: integer not null",
      "othersAtRisk: integer not null",
      "lookedAt: milliseconds not null",
    ],
    `primary key ("rolloutId", "metric")`,
  );
  await table(db, "healthLooks", [
    "id: rowNumber",
    ofRollout,
    "metric: text not null",
    "at: milliseconds not null",
    "updatedAtRisk: integer not null",
    "updatedFailed: integer not null",
    "othersAtRisk: integer not null",
    "othersFailed: integer not null",
  ]);
  await index(db, "healthLooksByRollout", "healthLooks", ["rolloutId", "id"]);
  await table(
    db,
    "healthFailures",
    [
      ofRollout,
      "metric: text not null",
      `deviceId: text not null references "devices" ("id")`,
      "side: text not null",
      "at: milliseconds not null",
    ],
    `primary key ("rolloutId", "metric", "deviceId")`,
  );
}

function history(made: Tools): Record<string, Run> {
  const { table, index, add } = made;
  return {
    async "0001-first"(db) {
      for (const part of [people, devices, releases, rollouts]) await part(db, made);
    },

    /** Versions that check-ins named, by digest: an image that was never uploaded (the factory's) still has one. */
    "0002-named-versions": async (db) =>
      void (await table(db, "namedVersions", ["digest: text primary key", "version: text not null"])),

    "0003-trust-refusals": (db) => add(db, "devices", "trustRefusedVersion: integer", "trustRefusedCode: integer"),

    /** Commands to devices; and the server's address as a device's check-in says it. */
    async "0004-commands"(db) {
      await table(db, "commands", [
        "position: rowNumber",
        "id: text not null unique",
        `deviceId: text not null references "devices" ("id")`,
        "kind: text not null",
        "host: text",
        "port: integer",
        "state: text not null",
        "code: integer not null",
        "createdAt: milliseconds not null",
        "createdBy: text not null",
        "expiresAt: milliseconds not null",
        "sentAt: milliseconds",
        "bootWhenSent: integer",
        "finishedAt: milliseconds",
      ]);
      await index(db, "commandsByDevice", "commands", ["deviceId", "position"]);
      await index(db, "openCommands", "commands", ["expiresAt"], { where: `"finishedAt" is null` });
      await add(db, "devices", "connection: text");
    },

    /** Which trust record a device has, beside its version; and what its noise source is worth. */
    "0005-trust-digest-and-entropy": (db) => add(db, "devices", "trustDigest: text", "entropy: text"),

    /** Image files are known by their name in the data directory, which may be moved: no path is kept. */
    "0006-image-file-names": (db) => imageFileNames(db, made),

    /** How many deployments are in which state, so that they need not be counted at each change of one. */
    async "0007-deployment-counts"(db) {
      await table(
        db,
        "deploymentCounts",
        [
          `rolloutId: text not null references "rollouts" ("id")`,
          "wave: integer not null",
          "state: text not null",
          "count: integer not null",
        ],
        `primary key ("rolloutId", "wave", "state")`,
      );
      await execute(
        db,
        `insert into "deploymentCounts" ("rolloutId", "wave", "state", "count") select "rolloutId", "wave", "state", count(*) from "deployments" group by "rolloutId", "wave", "state"`,
      );
    },

    "0008-changes": async (db) =>
      void (await table(db, "changes", [
        "position: rowNumber",
        "kind: text not null",
        "id: text not null",
        "detail: text",
      ])),

    /**
     * Gates that want a sample, soak, offers to who was away, urgency; what was accepted, of every wave; and how many
     * decisions there are, so that nobody has to count them.
     */
    "0009-gates": (db) => gates(db, made),

    /**
     * Rules of each wave, in place of the rollout's; tries, maintenance windows, approvals, and where to go back to.
     */
    "0010-wave-rules": (db) => waveRules(db, made),

    /** What devices are found by: operators' tags, and what they say of themselves; and a rollout's filter. */
    async "0011-tags-attributes-and-filters"(db) {
      await table(
        db,
        "deviceTags",
        [`deviceId: text not null references "devices" ("id")`, "tag: text not null"],
        `primary key ("deviceId", "tag")`,
      );
      await index(db, "devicesByTag", "deviceTags", ["tag", "deviceId"]);
      await add(db, "devices", "attributes: text");
      await add(db, "rollouts", "targetFilter: text");
    },

    /** What is seen of updated devices beside others. */
    "0012-health-gate": (db) => healthGate(db, made),
  };
}

export function migrations(types: ColumnTypes): MigrationProvider {
  const all = Object.entries(history(tools(types))).map(([name, up]): [string, Migration] => [name, { up }]);
  return { getMigrations: async () => Object.fromEntries(all) };
}
