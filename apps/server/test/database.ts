// Which database a test's server uses: SQLite in its data folder, or in the run on PostgreSQL one of its own there,
// copied from one with today's schema. A server that is started on the same data folder again is given the same one.

import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";

const known = new Map<string, string>();

const server = (): string | undefined => process.env["FLIPSIDE_TEST_POSTGRES"];
export const isOnPostgres = (): boolean => server() !== undefined;

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** An empty database of today's schema on the tests' PostgreSQL. */
export async function newPostgresDatabase(): Promise<string> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  await administer(`create database ${name} template template_flipside`);
  const url = new URL(server()!);
  url.pathname = `/${name}`;
  return url.href;
}

/** FLIPSIDE_TEST_MEMBER=yes: the server shares its database, with nobody: what holds for one alone holds then, too. */
const isMember = process.env["FLIPSIDE_TEST_MEMBER"] === "yes";

/** What to start a server with besides its data folder. */
export async function databaseOf(
  dataDir: string,
): Promise<{ databaseUrl?: string; member?: string; imagesDir?: string }> {
  if (!isOnPostgres()) return {};
  const databaseUrl = known.get(dataDir) ?? (await newPostgresDatabase());
  known.set(dataDir, databaseUrl);
  return { databaseUrl, ...(isMember ? { member: "only", imagesDir: join(dataDir, "images") } : {}) };
}

/** The same on the command line. */
export async function databaseArguments(dataDir: string): Promise<string[]> {
  const { databaseUrl } = await databaseOf(dataDir);
  return databaseUrl === undefined ? [] : ["--database-url", databaseUrl];
}

/** The data folder was moved: its database stays where it is. */
export function dataMoved(from: string, to: string): void {
  const url = known.get(from);
  if (url !== undefined) known.set(to, url);
}

export async function dropDatabaseOf(dataDir: string): Promise<void> {
  const url = known.get(dataDir);
  if (url === undefined) return;
  known.delete(dataDir);
  // Another folder may have taken it over.
  if ([...known.values()].includes(url)) return;
  await administer(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
}

/** What the tables of its database are on the disk. (The log beside them, for recovery, holds what was for a while.) */
export async function postgresFilesOf(dataDir: string): Promise<Buffer> {
  const client = new pg.Client({ connectionString: known.get(dataDir)! });
  await client.connect();
  try {
    await client.query("checkpoint");
    const { rows } = await client.query(
      "select setting || '/base/' || (select oid from pg_database where datname = current_database()) as folder from pg_settings where name = 'data_directory'",
    );
    const folder: string = rows[0].folder;
    return Buffer.concat(await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name)))));
  } finally {
    await client.end();
  }
}
