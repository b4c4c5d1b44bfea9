// The database's history. A migration is never changed once released; a new one is added at the end.

import { type Kysely, type Migration, type MigrationProvider, sql } from "kysely";

/** Column names are those of schema.ts; SQLite is asked for STRICT tables so that a wrong type is an error, not a guess. */
const first: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const statements = [
      `create table meta (key text primary key, value blob not null) strict`,
      `create table accounts (userName text primary key, role text not null, passwordHash text not null,
         mustChangePassword integer not null, tokenGeneration integer not null, createdAt integer not null) strict`,
      `create table endedTokens (tokenId text primary key, expiresAt integer not null) strict`,
      `create table claims (deviceId text primary key, secret blob not null, createdAt integer not null) strict`,
      `create table devices (id text primary key, publicKey blob not null, enrolledAt integer not null, revokedAt integer,
         lastSeenAt integer, product text, hardware text, revision integer, loaderVersion integer, trustVersion integer,
         securityFloor integer, slotBytes integer, bootCounter integer, bootReason text, health text not null,
         running text, other text, metricName text, metricValue integer) strict`,
      `create table deviceSecrets (deviceId text not null references devices(id), generation integer not null,
         secret blob not null, primary key (deviceId, generation)) strict`,
      `create table deviceLog (id integer primary key autoincrement, deviceId text not null, at integer not null,
         kind text not null, detail text not null) strict`,
      `create index deviceLogByDevice on deviceLog(deviceId, id)`,
      `create table releases (id text primary key, product text not null, version text not null,
         releaseSequence integer not null, description text, uploadedAt integer not null, uploadedBy text not null) strict`,
      `create unique index releaseByVersion on releases(product, version)`,
      `create table images (digest text primary key, releaseId text not null references releases(id), hardware text not null,
         revisionMin integer not null, revisionMax integer not null, securityCounter integer not null, keyId text not null,
         header blob not null, signatureBlock blob not null, filePath text not null, sizeBytes integer not null,
         tableOffset integer not null, payloadOffset integer not null, payloadBytes integer not null,
         chunkBytes integer not null, chunkCount integer not null) strict`,
      `create index imagesByRelease on images(releaseId)`,
      `create table permits (digest text not null, deviceHash text not null, permit blob not null, createdAt integer not null,
         primary key (digest, deviceHash)) strict`,
      `create table rollouts (id text primary key, name text not null, releaseId text not null references releases(id),
         state text not null, pauseReason text, currentWave integer not null, waveTotals text not null,
         deadlineMs integer not null, failureThresholdPercent real not null, allowOlder integer not null,
         acceptedWave integer not null, acceptedFinished integer not null, acceptedFailed integer not null,
         createdAt integer not null, createdBy text not null, finishedAt integer) strict`,
      `create table deployments (position integer primary key autoincrement, id text not null unique,
         rolloutId text not null references rollouts(id), deviceId text not null references devices(id),
         digest text not null, wave integer not null, attempt integer not null, state text not null, code integer not null,
         done integer not null, total integer not null, createdAt integer not null, updatedAt integer not null,
         offeredAt integer, deadlineAt integer, finishedAt integer) strict`,
      `create unique index deploymentByRolloutDevice on deployments(rolloutId, deviceId)`,
      `create index deploymentsByTally on deployments(rolloutId, wave, state)`,
      `create index deploymentsByDevice on deployments(deviceId, position)`,
      `create index openDeadlines on deployments(deadlineAt) where finishedAt is null and deadlineAt is not null`,
      `create table decisions (id integer primary key autoincrement, rolloutId text not null references rollouts(id),
         at integer not null, text text not null) strict`,
      `create index decisionsByRollout on decisions(rolloutId, id)`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

/** Versions that check-ins named, by digest: an image that was never uploaded (the factory's) still has one. */
const namedVersions: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw("create table namedVersions (digest text primary key, version text not null) strict").execute(db);
  },
};

const trustRefusals: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const column of ["trustRefusedVersion", "trustRefusedCode"]) await sql.raw(`alter table devices add column ${column} integer`).execute(db);
  },
};

/** Commands to devices; and the server's address as a device's check-in says it. */
const commands: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const statements = [
      `create table commands (position integer primary key autoincrement, id text not null unique,
         deviceId text not null references devices(id), kind text not null, host text, port integer, state text not null,
         code integer not null, createdAt integer not null, createdBy text not null, expiresAt integer not null,
         sentAt integer, bootWhenSent integer, finishedAt integer) strict`,
      `create index commandsByDevice on commands(deviceId, position)`,
      `create index openCommands on commands(expiresAt) where finishedAt is null`,
      `alter table devices add column connection text`,
    ];
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};

/** Which trust record a device has, beside its version; and what its noise source is worth. */
const trustDigestAndEntropy: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const column of ["trustDigest", "entropy"]) await sql.raw(`alter table devices add column ${column} text`).execute(db);
  },
};

/** Image files are known by their name in the data directory, which may be moved: no path is kept. */
const imageFileNames: Migration = {
  async up(db: Kysely<any>): Promise<void> {
    await sql.raw("alter table images add column fileName text not null default ''").execute(db);
    await sql.raw("alter table images add column fileDigest text").execute(db);
    for (const { digest, filePath } of await db.selectFrom("images").select(["digest", "filePath"]).execute()) {
      const fileName = String(filePath).split(/[/\\]/).at(-1)!;
      await db.updateTable("images").set({ fileName }).where("digest", "=", digest).execute();
    }
    await sql.raw("alter table images drop column filePath").execute(db);
  },
};

export const migrations: MigrationProvider = {
  getMigrations: async () => ({ "0001-first": first, "0002-named-versions": namedVersions, "0003-trust-refusals": trustRefusals, "0004-commands": commands, "0005-trust-digest-and-entropy": trustDigestAndEntropy, "0006-image-file-names": imageFileNames }),
};
