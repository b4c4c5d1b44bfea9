PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "kysely_migration" ("name" varchar(255) not null primary key, "timestamp" varchar(255) not null);
INSERT INTO kysely_migration VALUES('0001-first','2026-11-26T04:11:56.145Z');
INSERT INTO kysely_migration VALUES('0002-named-versions','2026-11-26T04:11:56.145Z');
INSERT INTO kysely_migration VALUES('0003-trust-refusals','2026-11-26T04:11:56.146Z');
INSERT INTO kysely_migration VALUES('0004-commands','2026-11-26T04:11:56.147Z');
INSERT INTO kysely_migration VALUES('0005-trust-digest-and-entropy','2026-11-26T04:11:56.147Z');
INSERT INTO kysely_migration VALUES('0006-image-file-names','2026-11-26T04:11:56.149Z');
CREATE TABLE IF NOT EXISTS "kysely_migration_lock" ("id" varchar(255) not null primary key, "is_locked" integer default 0 not null);
INSERT INTO kysely_migration_lock VALUES('migration_lock',0);
CREATE TABLE meta (key text primary key, value blob not null) strict;
INSERT INTO meta VALUES('clock',X'7b227374656164794d73223a313736303030303030353030302c2277616c6c4d73223a313736303030303030353030302c226d6f6e6f746f6e69634d73223a317d');
INSERT INTO meta VALUES('token-secret',X'0909090909090909090909090909090909090909090909090909090909090909');
CREATE TABLE accounts (userName text primary key, role text not null, passwordHash text not null,
         mustChangePassword integer not null, tokenGeneration integer not null, createdAt integer not null) strict;
INSERT INTO accounts VALUES('admin','admin','scrypt$1$1$1$AA$AA',1,3,1760000000000);
CREATE TABLE endedTokens (tokenId text primary key, expiresAt integer not null) strict;
INSERT INTO endedTokens VALUES('t1',1760000000001);
CREATE TABLE claims (deviceId text primary key, secret blob not null, createdAt integer not null) strict;
INSERT INTO claims VALUES('old-0',X'0101010101010101010101010101010101010101010101010101010101010101',1760000000000);
INSERT INTO claims VALUES('old-1',X'0202020202020202020202020202020202020202020202020202020202020202',1760000000000);
INSERT INTO claims VALUES('old-2',X'0303030303030303030303030303030303030303030303030303030303030303',1760000000000);
CREATE TABLE devices (id text primary key, publicKey blob not null, enrolledAt integer not null, revokedAt integer,
         lastSeenAt integer, product text, hardware text, revision integer, loaderVersion integer, trustVersion integer,
         securityFloor integer, slotBytes integer, bootCounter integer, bootReason text, health text not null,
         running text, other text, metricName text, metricValue integer, trustRefusedVersion integer, trustRefusedCode integer, connection text, trustDigest text, entropy text) strict;
INSERT INTO devices VALUES('old-0',X'4040404040404040404040404040404040404040404040404040404040404040',1760000000000,NULL,1760000000100,'flipside-demo','virt',4294967295,1,1,0,1048576,7,'power-up','healthy','{"slot":"a","digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","version":"1.0.0","releaseSequence":1,"state":"confirmed"}','{"slot":"b","state":"empty","reason":0}','temperature',-21,NULL,NULL,'{"host":"127.0.0.1","port":1883}',NULL,'good');
INSERT INTO devices VALUES('old-1',X'4141414141414141414141414141414141414141414141414141414141414141',1760000000001,NULL,1760000000100,'flipside-demo','virt',4294967295,1,1,0,1048576,7,'power-up','healthy','{"slot":"a","digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","version":"1.0.0","releaseSequence":1,"state":"confirmed"}','{"slot":"b","state":"empty","reason":0}','temperature',-21,NULL,NULL,'{"host":"127.0.0.1","port":1883}',NULL,'good');
INSERT INTO devices VALUES('old-2',X'4242424242424242424242424242424242424242424242424242424242424242',1760000000002,1760000000009,1760000000100,'flipside-demo','virt',4294967295,1,1,0,1048576,7,'power-up','healthy','{"slot":"a","digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","version":"1.0.0","releaseSequence":1,"state":"confirmed"}','{"slot":"b","state":"empty","reason":0}','temperature',-21,NULL,NULL,'{"host":"127.0.0.1","port":1883}',NULL,'good');
CREATE TABLE deviceSecrets (deviceId text not null references devices(id), generation integer not null,
         secret blob not null, primary key (deviceId, generation)) strict;
INSERT INTO deviceSecrets VALUES('old-0',1,X'2020202020202020202020202020202020202020202020202020202020202020');
INSERT INTO deviceSecrets VALUES('old-1',1,X'2121212121212121212121212121212121212121212121212121212121212121');
INSERT INTO deviceSecrets VALUES('old-2',1,X'2222222222222222222222222222222222222222222222222222222222222222');
CREATE TABLE deviceLog (id integer primary key autoincrement, deviceId text not null, at integer not null,
         kind text not null, detail text not null) strict;
INSERT INTO deviceLog VALUES(1,'old-0',1760000000002,'enrolment','enrolled – ünïcode');
INSERT INTO deviceLog VALUES(2,'old-1',1760000000002,'enrolment','enrolled – ünïcode');
INSERT INTO deviceLog VALUES(3,'old-2',1760000000002,'enrolment','enrolled – ünïcode');
CREATE TABLE releases (id text primary key, product text not null, version text not null,
         releaseSequence integer not null, description text, uploadedAt integer not null, uploadedBy text not null) strict;
INSERT INTO releases VALUES('r1','flipside-demo','1.1.0',2,NULL,1760000000050,'admin');
CREATE TABLE images (digest text primary key, releaseId text not null references releases(id), hardware text not null,
         revisionMin integer not null, revisionMax integer not null, securityCounter integer not null, keyId text not null,
         header blob not null, signatureBlock blob not null, sizeBytes integer not null,
         tableOffset integer not null, payloadOffset integer not null, payloadBytes integer not null,
         chunkBytes integer not null, chunkCount integer not null, fileName text not null default '', fileDigest text) strict;
INSERT INTO images VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','r1','virt',0,4294967295,1,'k',X'01010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101',X'020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202',4096,136,200,3896,1024,4,'x.image',NULL);
CREATE TABLE permits (digest text not null, deviceHash text not null, permit blob not null, createdAt integer not null,
         primary key (digest, deviceHash)) strict;
INSERT INTO permits VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','',X'03030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303',1760000000000);
CREATE TABLE rollouts (id text primary key, name text not null, releaseId text not null references releases(id),
         state text not null, pauseReason text, currentWave integer not null, waveTotals text not null,
         deadlineMs integer not null, failureThresholdPercent real not null, allowOlder integer not null,
         acceptedWave integer not null, acceptedFinished integer not null, acceptedFailed integer not null,
         createdAt integer not null, createdBy text not null, finishedAt integer) strict;
INSERT INTO rollouts VALUES('ro1','first','r1','running',NULL,0,'[2,1]',86400000,12.5,1,-1,0,0,1760000000060,'admin',NULL);
CREATE TABLE deployments (position integer primary key autoincrement, id text not null unique,
         rolloutId text not null references rollouts(id), deviceId text not null references devices(id),
         digest text not null, wave integer not null, attempt integer not null, state text not null, code integer not null,
         done integer not null, total integer not null, createdAt integer not null, updatedAt integer not null,
         offeredAt integer, deadlineAt integer, finishedAt integer) strict;
INSERT INTO deployments VALUES(1,'d0','ro1','old-0','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',0,1,'confirmed',0,4,4,1760000000060,1760000000070,1760000000061,NULL,1760000000080);
INSERT INTO deployments VALUES(2,'d1','ro1','old-1','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',0,1,'downloading',0,1,4,1760000000060,1760000000070,1760000000061,1760086400000,NULL);
INSERT INTO deployments VALUES(3,'d2','ro1','old-2','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,1,'queued',0,1,4,1760000000060,1760000000070,NULL,NULL,NULL);
CREATE TABLE decisions (id integer primary key autoincrement, rolloutId text not null references rollouts(id),
         at integer not null, text text not null) strict;
INSERT INTO decisions VALUES(1,'ro1',1760000000060,'started: 3 devices in 2 waves');
CREATE TABLE namedVersions (digest text primary key, version text not null) strict;
INSERT INTO namedVersions VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','1.0.0');
CREATE TABLE commands (position integer primary key autoincrement, id text not null unique,
         deviceId text not null references devices(id), kind text not null, host text, port integer, state text not null,
         code integer not null, createdAt integer not null, createdBy text not null, expiresAt integer not null,
         sentAt integer, bootWhenSent integer, finishedAt integer) strict;
INSERT INTO commands VALUES(1,'00000000000000000000000000000000','old-0','reboot',NULL,NULL,'waiting',0,1760000000000,'admin',1760000001000,NULL,NULL,NULL);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('deviceLog',3);
INSERT INTO sqlite_sequence VALUES('deployments',3);
INSERT INTO sqlite_sequence VALUES('decisions',1);
INSERT INTO sqlite_sequence VALUES('commands',1);
CREATE INDEX deviceLogByDevice on deviceLog(deviceId, id);
CREATE UNIQUE INDEX releaseByVersion on releases(product, version);
CREATE INDEX imagesByRelease on images(releaseId);
CREATE UNIQUE INDEX deploymentByRolloutDevice on deployments(rolloutId, deviceId);
CREATE INDEX deploymentsByTally on deployments(rolloutId, wave, state);
CREATE INDEX deploymentsByDevice on deployments(deviceId, position);
CREATE INDEX openDeadlines on deployments(deadlineAt) where finishedAt is null and deadlineAt is not null;
CREATE INDEX decisionsByRollout on decisions(rolloutId, id);
CREATE INDEX commandsByDevice on commands(deviceId, position);
CREATE INDEX openCommands on commands(expiresAt) where finishedAt is null;
COMMIT;
