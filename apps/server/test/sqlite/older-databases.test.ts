// Databases that older servers have left: only SQLite has any.

import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Database } from "@flipside/processes/sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { Storage } from "../../src/storage/storage.ts";
import { Fixture, temporaryDirectory } from "../fixture.ts";
import { makeRelease } from "../keys.ts";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.stop();
  fixture = undefined;
});

/** As the server of migration 0006 made and filled it, before there was a second dialect. */
async function databaseOf0006(): Promise<string> {
  const path = join(await temporaryDirectory(), "flipside.sqlite");
  const database = new Database(path);
  database.exec(await readFile(new URL("./database-of-migration-0006.sql", import.meta.url), "utf8"));
  database.close();
  return path;
}

/** What held for a whole rollout until migration 0010. */
const formerRules = { minimumSample: 1, soakMs: 0, underWayMax: null };
const gates = {
  soakUntil: null,
  lateOffersMs: 0,
  urgent: false,
  // Of the rollout in the file.
  decisionCount: 1,
};

const newInRollouts = {
  retries: "[]",
  maintenance: null,
  approvals: "[]",
  heldFor: null,
  nextOfferAt: null,
  rollBackDue: null,
  targetFilter: null,
  request: null,
  targetOpen: false,
  supersededBy: null,
};
/** Of migration 0012: what runs already is not watched. */
const healthGate = { health: null };
/** Of migration 0017: what runs already is whole. */
const pieces = { sweeps: null, preparing: null };
/** Of migration 0033. */
const byNoRequest = { requestId: null };
/** Of migration 0023. */
const putAway = { archivedAt: null, deletedAt: null };
/** Of migration 0028. */
const otherAgents = { acceptsClaimed: false };
const newInDeployments = { notBefore: null, cameFrom: null };

/** A rollout's row as the migrations take it over: what was accepted, and what holds, is of every wave now. */
function withGates({
  acceptedWave,
  acceptedFinished,
  acceptedFailed,
  deadlineMs,
  failureThresholdPercent,
  ...row
}: Record<string, unknown>): object {
  const wave = Number(acceptedWave);
  const none = Array.from({ length: wave }, () => ({ finished: 0, failed: 0 }));
  const accepted = wave < 0 ? [] : [...none, { finished: acceptedFinished, failed: acceptedFailed }];
  const anew = { thresholdAction: "pause", rate: null, approval: false, startAt: null };
  const rule = { deadlineMs, failureThresholdPercent, ...formerRules, ...anew };
  const rules = (JSON.parse(String(row["waveTotals"])) as number[]).map(() => rule);
  const added = {
    scope: null,
    ...gates,
    ...newInRollouts,
    ...healthGate,
    ...pieces,
    ...putAway,
    ...otherAgents,
    ...byNoRequest,
  };
  return { ...row, ...added, accepted: JSON.stringify(accepted), rules: JSON.stringify(rules) };
}

/** Undoes migrations 0009 and 0010, and what 0011 adds to rollouts. */
const withoutGates = [
  ...["rules", ...Object.keys(newInRollouts)].map((column) => `alter table rollouts drop column "${column}"`),
  ...Object.keys(newInDeployments).map((column) => `alter table deployments drop column "${column}"`),
  ...["deadlineMs integer not null default 60000", "failureThresholdPercent real not null default 50"].map(
    (column) => `alter table rollouts add column ${column}`,
  ),
  ...[...Object.keys(gates), "accepted"].map((column) => `alter table rollouts drop column "${column}"`),
  ...["acceptedWave", "acceptedFinished", "acceptedFailed"].map(
    (column) => `alter table rollouts add column "${column}" integer not null default 0`,
  ),
].join("; ");

/** Undoes migration 0011, but for what withoutGates has of it. */
const withoutTags = "drop table deviceTags; alter table devices drop column attributes";

/** Undoes migration 0012. */
const withoutHealthGate =
  "alter table rollouts drop column health; drop table healthTests; drop table healthLooks; drop table healthFailures";

/** Undoes migration 0017. */
const withoutPieces = [
  "drop index rolloutsInPieces",
  "drop table rolloutTargets",
  "drop table rolloutRequests",
  ...["sweeps", "preparing"].map((column) => `alter table rollouts drop column ${column}`),
].join("; ");

/** Undoes migration 0016. */
const withoutLists = [
  "drop table deviceCounts",
  ...["RunningDigest", "RunningVersion", "RunningState", "Hardware", "Health", "BootReason"].map(
    (column) => `drop index devicesBy${column}`,
  ),
  ...["revokedDevices", "rolloutsByAge", "releasesByAge"].map((name) => `drop index ${name}`),
  ...["deploymentsByState", "deploymentsInOrder", "openDeadlinesOfRollout"].map((name) => `drop index ${name}`),
  "create index deploymentsByTally on deployments (rolloutId, wave, state)",
  ...["runningDigest", "runningVersion", "runningState", "runningSequence"].map(
    (column) => `alter table devices drop column ${column}`,
  ),
].join("; ");

/** Of migrations 0016 and 0023: what the device runs, and has in its other slot, in columns of their own. */
const running = ({ running, other }: Record<string, unknown>): object => {
  const { digest, version, state, releaseSequence } = JSON.parse(String(running ?? "{}")) as Record<string, unknown>;
  const kept = JSON.parse(String(other ?? "{}")) as Record<string, unknown>;
  return {
    otherDigest: kept["digest"] ?? null,
    otherState: kept["state"] ?? null,
    runningDigest: digest ?? null,
    runningVersion: version ?? null,
    runningState: state ?? null,
    runningSequence: releaseSequence ?? null,
  };
};

const newWays = ["usedOnce", "passkeys", "recoveryCodes", "challenges"];
const newWebhooks = ["webhooks", "webhookSecrets", "webhookDeliveries"];

/** Undoes migrations 0026, 0027, 0029 and 0032 to 0034. */
const withoutRoles = [
  ...["userSessions", "apiTokens", "auditLines", "auditHead", "proposals", "idempotentRequests"].map(
    (table) => `drop table ${table}`,
  ),
  ...[...newWays, ...newWebhooks].map((table) => `drop table ${table}`),
  "alter table rollouts drop column requestId",
  "drop index accountsByOidcSubject",
  ...["lastSignedInAt", "oidcIssuer", "oidcSubject"].map((column) => `alter table accounts drop column ${column}`),
  "alter table accounts add column tokenGeneration integer not null default 1",
  "update accounts set role = 'admin'",
  "create table endedTokens (tokenId text primary key, expiresAt integer not null)",
].join("; ");

/** An account as migration 0026 takes it over. */
const withRole = ({ tokenGeneration: _, ...row }: Record<string, unknown>): object => ({
  ...row,
  role: "administrator",
  mustChangePassword: true,
  lastSignedInAt: null,
  ...{ oidcIssuer: null, oidcSubject: null },
  scope: null,
});

const newInClaims = {
  ...{ endsAt: null, enrolmentsLeft: null, lastEnrolledAt: null, publicKey: null },
  ...{ approval: "not-needed", askedKey: null, askedAt: null },
};

/** Undoes migration 0035. */
const withoutClaimLimits = [
  "drop index claimsThatWait",
  ...Object.keys(newInClaims).map((column) => `alter table claims drop column ${column}`),
].join("; ");

const newInDevices = {
  ...{ channel: null, releaseState: null, releaseStateWarning: null, measured: null, firstLoader: null },
  ...{ configurationState: "none", configurationDesired: null },
  ...{ configurationReported: null, configurationRefusedBy: null },
};

const newInCommands = { seconds: null, leavesDigest: null, goesToDigest: null };

/** Undoes migrations 0037 and 0046 to 0048. */
const withoutConfigurations = [
  ...["configurations", "collectedLogs", "releaseStates"].map((table) => `drop table ${table}`),
  "drop index devicesByConfiguration",
  "drop index devicesByReleaseStateWarning",
  ...Object.keys(newInDevices).map((column) => `alter table devices drop column ${column}`),
  ...Object.keys(newInCommands).map((column) => `alter table commands drop column ${column}`),
].join("; ");

/** Undoes migration 0044. */
const withoutRehearsals = "drop table rehearsals";

/** Undoes migrations 0036, 0039, 0040, 0042, 0043 and 0045. */
const withoutScopes = [
  ...["SeenFirst", "SeenAgain", "SeenNoMore"].map((what) => `drop trigger devices${what}`),
  ...["devicesSeen", "deviceViews", "rolloutTemplates", "fleetSamples"].map((table) => `drop table ${table}`),
  ...["devicesByEnrolment", "deploymentsByEnd", "devicesByTrustRefusal"].map((index) => `drop index ${index}`),
  "drop index devicesByTrustDigest",
  "drop index rolloutsByScope",
  ...["accounts", "apiTokens", "rollouts"].map((table) => `alter table ${table} drop column scope`),
].join("; ");

/** Undoes migrations 0028, 0030 and 0031. */
const withoutOtherAgents = [
  "drop index devicesOfOtherAgents",
  "alter table devices drop column agent",
  "alter table rollouts drop column acceptsClaimed",
  ...["hawkbitTargets", "otherAgentActions", "payloadHashes", "payloadNames", "menderAuthSets"].map(
    (table) => `drop table ${table}`,
  ),
  ...["awsThings", "awsExecutions"].map((table) => `drop table ${table}`),
].join("; ");

/** Undoes migrations 0024 and 0025. */
const withoutRetention = [
  ...["metricSeries", "metricPoints", "metricHours", "retentionSpans", "retentionSweeps"].map(
    (table) => `drop table ${table}`,
  ),
  "drop index deviceLogByAge",
].join(";");
/** Undoes migration 0023. */
const withoutDeletion = [
  ...["Added", "Moved", "Removed"].map((what) => `drop trigger devices${what}`),
  ...["rolloutsByRelease", "rolloutsOnTheirWayOut", "devicesByOtherDigest"].map((name) => `drop index ${name}`),
  "drop table filesToRemove",
  ...["releases.archivedAt", "releases.deletedAt", "rollouts.archivedAt", "rollouts.deletedAt", "devices.deletedAt"],
  ...["devices.otherDigest", "devices.otherState"],
]
  .map((each) => each.replace(/^(\w+)\.(\w+)$/, "alter table $1 drop column $2"))
  .join("; ");

/** Undoes migration 0022. */
const withoutConflicts = [
  "drop index devicesInConflict",
  ...["boardTrail", "conflictUntil"].map((column) => `alter table devices drop column ${column}`),
].join("; ");

/** Undoes migrations 0013 and 0021. */
const withoutMembers =
  "alter table changes drop column member; drop table members; drop table deviceOwners; drop table shardLeases; drop table signInCounters; drop table signInWelcome";

/** Tables with their columns, keys and indexes, whatever they were written like. */
function shapeOf(path: string): Record<string, unknown> {
  const database = new Database(path, { readonly: true });
  const tables = database
    .prepare(
      "select name, strict from pragma_table_list where schema = 'main' and name not like 'sqlite_%' and name not like 'kysely_%' order by name",
    )
    .all() as { name: string; strict: number }[];
  const shape = tables.map(({ name, strict }) => {
    const columns = database.pragma(`table_xinfo("${name}")`) as { cid: number; name: string }[];
    const indexes = (database.pragma(`index_list("${name}")`) as { name: string }[]).map((index) => ({
      ...index,
      seq: 0,
      columns: database.pragma(`index_info("${index.name}")`),
      // SQLite makes those of keys itself, without a text; where they are the table, without a name.
      where: /where(.*)/i
        .exec(
          (
            database.prepare("select sql from sqlite_master where name = ?").get(index.name) as
              | { sql: string | null }
              | undefined
          )?.sql ?? "",
        )?.[1]
        ?.replaceAll('"', ""),
    }));
    const counts = /autoincrement/i.test(
      (database.prepare("select sql from sqlite_master where name = ?").get(name) as { sql: string }).sql,
    );
    return [
      name,
      {
        strict,
        counts,
        columns,
        indexes: indexes.sort((a, b) => a.name.localeCompare(b.name)),
        references: database.pragma(`foreign_key_list("${name}")`),
      },
    ] as const;
  });
  database.close();
  return Object.fromEntries(shape);
}

describe("a database of migration 0006", () => {
  it("keeps its rows and can be read and written", async () => {
    const path = await databaseOf0006();
    const raw = new Database(path, { readonly: true });
    const rowsOf = (table: string): Record<string, unknown>[] =>
      raw.prepare(`select * from "${table}"`).all() as Record<string, unknown>[];
    const tables = [
      "meta",
      "accounts",
      "claims",
      "devices",
      "deviceSecrets",
      "deviceLog",
      "releases",
      "images",
      "namedVersions",
      "permits",
      "rollouts",
      "deployments",
      "decisions",
      "commands",
    ] as const;
    const before = Object.fromEntries(tables.map((table) => [table, rowsOf(table)]));
    // What sessions of before were signed with is no use to anybody.
    before["meta"] = before["meta"]!.filter(({ key }) => key !== "token-secret");
    const storage = await Storage.open({ file: path }, { onError: () => {} });
    for (const table of tables) {
      expect(before[table]!.length, table).toBeGreaterThan(0);
      const asStored = before[table]!.map((row) => ({
        ...("acceptedWave" in row ? withGates(row) : "tokenGeneration" in row ? withRole(row) : row),
        ...("attempt" in row ? newInDeployments : {}),
        ...("allowOlder" in row ? { allowOlder: true } : {}),
        ...("slotBytes" in row
          ? {
              agent: "flipside",
              attributes: null,
              boardTrail: null,
              conflictUntil: null,
              deletedAt: null,
              ...running(row),
              ...newInDevices,
            }
          : {}),
        ...("uploadedBy" in row ? putAway : {}),
        ...(table === "claims" ? newInClaims : {}),
        ...(table === "commands" ? newInCommands : {}),
      }));
      expect(await storage.db.selectFrom(table).selectAll().execute(), table).toEqual(asStored);
    }
    expect(
      await storage.db
        .selectFrom("deviceCounts")
        .select((q) => q.fn.sum<number>("count").as("devices"))
        .executeTakeFirst(),
    ).toEqual({ devices: before["devices"]!.length });
    expect(
      await storage.db
        .selectFrom("deploymentCounts")
        .select(["wave", "state", "count"])
        .orderBy("wave")
        .orderBy("state")
        .execute(),
      "counted once, when it is added",
    ).toEqual([
      { wave: 0, state: "confirmed", count: 1 },
      { wave: 0, state: "downloading", count: 1 },
      { wave: 1, state: "queued", count: 1 },
    ]);
    await storage.db.updateTable("accounts").set({ mustChangePassword: false }).execute();
    await storage.db.updateTable("rollouts").set({ allowOlder: false, name: "later" }).execute();
    expect(rowsOf("accounts")[0]!["mustChangePassword"]).toBe(0);
    expect(await storage.db.selectFrom("rollouts").select(["allowOlder", "name"]).executeTakeFirst()).toEqual({
      allowOlder: false,
      name: "later",
    });
    await storage.db
      .insertInto("deviceLog")
      .values({ deviceId: "old-0", at: 1, kind: "session", detail: "later" })
      .execute();
    expect(rowsOf("deviceLog").at(-1), "numbers go on").toMatchObject({ id: before["deviceLog"]!.length + 1 });
    raw.close();
    await storage.close();
  });

  it("has then the shape of one that is made today", async () => {
    const old = await databaseOf0006();
    const fresh = join(await temporaryDirectory(), "fresh.sqlite");
    for (const file of [old, fresh]) await (await Storage.open({ file }, { onError: () => {} })).close();
    expect(shapeOf(old)).toEqual(shapeOf(fresh));
    expect(Object.keys(shapeOf(fresh)).length).toBeGreaterThan(14);
  });
});

describe("a server before migration 0006", () => {
  it("leaves images under paths of its own, which are taken over", async () => {
    const first = await Fixture.start();
    const release = await first.upload(await makeRelease(first.project));
    await first.server.close();
    const { dataDir } = first;
    const { digest } = release.images[0];
    await rename(await onlyImage(dataDir), join(dataDir, "images", `${digest}.image`));
    const database = new Database(join(dataDir, "flipside.sqlite"));
    database.exec(
      "alter table images add column filePath text; alter table images drop column fileName; alter table images drop column fileDigest",
    );
    database.prepare("update images set filePath = ?").run(`/srv/elsewhere/images/${digest}.image`);
    database.exec(withoutRehearsals);
    database.exec(withoutConfigurations);
    database.exec(withoutScopes);
    database.exec(withoutRoles);
    database.exec(withoutClaimLimits);
    database.exec(withoutOtherAgents);
    database.exec(withoutRetention);
    database.exec(withoutDeletion);
    database.exec(withoutConflicts);
    database.exec(withoutPieces);
    database.exec(withoutLists);
    database.exec(withoutMembers);
    database.exec(withoutHealthGate);
    database.exec(withoutGates);
    database.exec(withoutTags);
    database.exec("drop table deploymentCounts; drop table changes; delete from kysely_migration where name >= '0006'");
    database.close();
    fixture = await Fixture.goOn({ dataDir }, first.project);
    const device = await fixture.readyDevice();
    await fixture.rollOut(release.id, [device]);
    await device.install(await device.offered());
    await rm(await onlyImage(dataDir));
    expect(
      (await fixture.api.post("/api/v1/releases", await makeRelease(first.project))).status,
      "mended under its new name",
    ).toBe(201);
    expect(await onlyImage(dataDir)).not.toContain(digest);
  });
});

/** The path of the only image. */
async function onlyImage(dataDir: string): Promise<string> {
  const [name, ...more] = await readdir(join(dataDir, "images"));
  expect(more).toEqual([]);
  return join(dataDir, "images", name!);
}
