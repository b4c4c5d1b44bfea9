// `npx flipside backup` and `npx flipside restore`, as people run them, beside a server that is at work.

import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Database } from "@flipside/processes/sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BackupError, type Manifest } from "../src/backup/backup-folder.ts";
import { makeBackup } from "../src/backup/backup.ts";
import { restoreBackup } from "../src/backup/restore.ts";
import { Fixture } from "../../server/test/fixture.ts";
import { makeRelease } from "../../server/test/keys.ts";

const main = fileURLToPath(new URL("../bin/flipside.mjs", import.meta.url));
/** The backup interface of a connection in use gave an empty database nearly every second time. */
const BACKUPS = 4;

let folder: string;
let dataDir: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "flipside-backup-"));
  const fixture = await Fixture.start();
  ({ dataDir } = fixture);
  await fixture.upload(await makeRelease(fixture.project));
  await fixture.server.close();
});
afterAll(() => {
  for (const each of [folder, dataDir]) rmSync(each, { recursive: true, force: true });
});

function run(...args: string[]): { status: number | null; said: string; complained: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd: folder });
  return { status, said: stdout, complained: stderr };
}

/** Why it is refused, or what was made; without a process of its own. */
function tried(act: () => Manifest): string | Manifest {
  try {
    return act();
  } catch (error) {
    if (error instanceof BackupError) return error.message;
    throw error;
  }
}

const backUp = (to: string, from = dataDir): string | Manifest => tried(() => makeBackup(from, to));
const restore = (from: string, to: string): string | Manifest => tried(() => restoreBackup(from, to));

/** A data folder of its own, to be spoiled. */
function copyOf(name: string): string {
  const to = join(folder, name);
  mkdirSync(join(to, "images"), { recursive: true });
  copyFileSync(join(dataDir, "flipside.sqlite"), join(to, "flipside.sqlite"));
  for (const image of readdirSync(join(dataDir, "images")))
    copyFileSync(join(dataDir, "images", image), join(to, "images", image));
  return to;
}

/** A writer that leaves its transaction open across turns of the event loop, and never stops. */
const writer = `
  const { createRequire } = await import("node:module");
  const { Database } = await import(process.argv[1]);
  const database = new Database(process.argv[2]);
  database.pragma("busy_timeout = 20000");
  const insert = database.prepare("insert into claims (deviceId, secret, createdAt) values (?, x'00', 1)");
  console.log("writing");
  for (let n = 0; ; n++) {
    database.exec("begin immediate");
    for (let i = 0; i < 50; i++) insert.run("w-" + n + "-" + i);
    await new Promise((resolve) => setTimeout(resolve, 20));
    database.exec("commit");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
`;

test("every backup beside a busy writer is whole, and is the same again when it is restored", {
  timeout: 240_000,
}, async () => {
  const busy = copyOf("busy");
  const sqlite = new URL("../../../packages/processes/src/sqlite.ts", import.meta.url).href;
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", writer, sqlite, join(busy, "flipside.sqlite")],
    { stdio: ["ignore", "pipe", "inherit"], cwd: fileURLToPath(new URL("../../..", import.meta.url)) },
  );
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const claims: number[] = [];
    for (let n = 0; n < BACKUPS; n++) {
      const [to, back] = [join(folder, `backup-${n}`), join(folder, `restored-${n}`)];
      const made = run("backup", "--data-dir", busy, "--to", to);
      expect(made, made.complained).toMatchObject({ status: 0 });
      expect(run("restore", "--from", to, "--data-dir", back)).toMatchObject({ status: 0 });
      const database = new Database(join(back, "flipside.sqlite"), { readonly: true });
      claims.push((database.prepare("select count(*) as count from claims").get() as { count: number }).count);
      expect(database.prepare("select version from releases").all()).toEqual([{ version: "1.1.0" }]);
      database.close();
    }
    expect(
      claims.every((count) => count % 50 === 0),
      "whole transactions",
    ).toBe(true);
    expect(new Set(claims).size, "it wrote meanwhile").toBe(BACKUPS);
    expect([...claims].sort((a, b) => a - b)).toEqual(claims);
  } finally {
    child.kill("SIGKILL");
  }
});

test("is its owner's alone, and says what it has", () => {
  const to = join(folder, "private");
  const { said } = run("backup", "--data-dir", dataDir, "--to", to);
  expect(said).toMatch(/^backed up as of .*: 0 devices, 1 releases, 0 rollouts, 1 images of \d+ bytes\n$/);
  const [image] = readdirSync(join(to, "images"));
  for (const [path, mode] of [
    [to, 0o700],
    [join(to, "images"), 0o700],
    [join(to, "images", image!), 0o600],
    [join(to, "flipside.sqlite"), 0o600],
    [join(to, "backup.json"), 0o600],
  ] as const)
    expect(statSync(path).mode & 0o777, path).toBe(mode);
});

test("writes over nothing, and leaves nothing half-done", () => {
  const there = join(folder, "there");
  mkdirSync(there);
  writeFileSync(join(there, "of mine"), "");
  expect(backUp(there)).toBe(`${there} is not empty: give a folder that does not exist yet.`);
  const good = join(folder, "good");
  expect(backUp(good)).toMatchObject({ format: 1 });
  expect(restore(good, there)).toContain(`${there} is not empty.`);
  expect(readdirSync(there)).toEqual(["of mine"]);
  expect(backUp(join(folder, "none", "deep"))).toContain(`There is no folder ${join(folder, "none")}`);
  expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
});

test("refuses what is damaged, and names it", () => {
  const spoiltImage = copyOf("spoilt-image");
  const [image] = readdirSync(join(spoiltImage, "images"));
  const path = join(spoiltImage, "images", image!);
  chmodSync(path, 0o600);
  const bytes = readFileSync(path);
  bytes[100]! ^= 1;
  writeFileSync(path, bytes);
  expect(backUp(join(folder, "a"), spoiltImage)).toContain(`${path} is damaged`);
  rmSync(path);
  expect(backUp(join(folder, "a"), spoiltImage)).toMatchObject({ images: [], missingImages: [image] });

  const noDatabase = join(folder, "no-database");
  mkdirSync(noDatabase);
  expect(backUp(join(folder, "b"), noDatabase)).toContain("take the database with pg_dump");
  writeFileSync(join(noDatabase, "flipside.sqlite"), "this is none");
  expect(backUp(join(folder, "b"), noDatabase)).toContain("file is not a database");

  for (const [name, file] of [
    ["c", "flipside.sqlite"],
    ["d", join("images", image!)],
  ] as const) {
    const backup = join(folder, name);
    expect(backUp(backup)).toMatchObject({ missingImages: [] });
    const changed = readFileSync(join(backup, file));
    changed[changed.length - 1]! ^= 1;
    writeFileSync(join(backup, file), changed);
    expect(restore(backup, join(folder, `${name}-restored`))).toContain("is not the one of the backup any more");
  }
  expect(restore(noDatabase, join(folder, "e"))).toContain('holds no backup made by "flipside backup"');
});

test("says what to give", () => {
  expect(run("backup")).toMatchObject({ status: 2, complained: expect.stringContaining("give --data-dir and --to") });
  expect(run("restore", "--from")).toMatchObject({ status: 2 });
  expect(run("backup", "--data-dir", "none", "--to", "x")).toMatchObject({
    status: 1,
    complained: expect.stringContaining("take the database with pg_dump"),
  });
  expect(run("backup", "--help").said).toContain("Usage: flipside backup");
});
