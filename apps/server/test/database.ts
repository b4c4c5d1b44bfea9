// Which database a test's server uses: SQLite in its data folder, or in the run on PostgreSQL one of its own there,
// copied from one with today's schema. A server that is started on the same data folder again is given the same one.

import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";

const known = new Map<string, string>();

const server = (): string | undefined => process.env["FLIPSIDE_TEST_POSTGRES"];
export const isOnPostgres = (): boolean => server() !== undefined;

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const administer = (statement: string): Promise<void> =>
  withClient(server()!, async (client) => void (await client.query(statement)));

/** As good as new: to make one takes a tenth of a second of a processor, and a run needs a thousand. */
const used: string[] = [];

/** An empty database of today's schema on the tests' PostgreSQL. */
export async function newPostgresDatabase(): Promise<string> {
  const again = used.pop();
  if (again !== undefined) return again;
  const name = `test_${randomBytes(6).toString("hex")}`;
  await administer(`create database ${name} template template_flipside`);
  const url = new URL(server()!);
  url.pathname = `/${name}`;
  fresh ??= await freshDatabase(url.href);
  return url.href;
}

/** What a database is like that nobody has used. */
interface Fresh {
  /** Empties it, but for the tables that have rows in a new one. */
  emptying: string;
  /** Of everything that is in it but rows of other tables, as one value. */
  asking: string;
  print: string;
}
let fresh: Fresh | undefined;

const quoted = (name: string): string => `"${name}"`;

const freshDatabase = (url: string): Promise<Fresh> =>
  withClient(url, async (client) => {
    const namesOf = async (kind: string): Promise<string[]> => {
      const asked = `select relname from pg_class where relkind = '${kind}' and relnamespace = 'public'::regnamespace`;
      return (await client.query(asked)).rows.map(({ relname }) => quoted(relname));
    };
    const tables = await namesOf("r");
    const filled: string[] = [];
    for (const table of tables)
      if ((await client.query(`select from ${table} limit 1`)).rowCount === 1) filled.push(table);
    const emptied = tables.filter((table) => !filled.includes(table)).map((table) => `delete from ${table}`);
    const restarted = (await namesOf("S")).map((sequence) => `alter sequence ${sequence} restart`);
    const rowsOf = filled.map((table) => `(select string_agg(t::text, '|' order by t::text) from ${table} t)`);
    const relations =
      "(select string_agg(relname || relnatts, '|' order by relname) from pg_class where relkind <> 't')";
    const asking = `select md5(concat_ws('/', ${[relations, ...rowsOf].join(", ")})) as print`;
    // Whose rows are referred to is of no account where all of them go.
    const emptying = ["set session_replication_role = replica", ...emptied, ...restarted].join("; ");
    return { emptying, asking, print: (await client.query(asking)).rows[0].print };
  });

/** Whether it is as a new one is, and nobody is left who could write into it. */
const isAsNew = (url: string, { emptying, asking, print }: Fresh): Promise<boolean> =>
  withClient(url, async (client) => {
    const others = "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    if ((await client.query(others)).rowCount !== 0) return false;
    await client.query(emptying);
    return (await client.query(asking)).rows[0].print === print;
  });

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
  if (fresh !== undefined && (await isAsNew(url, fresh))) return void used.push(url);
  await administer(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
}

/** What the tables of its database are on the disk. (The log beside them, for recovery, holds what was for a while.) */
export async function postgresFilesOf(dataDir: string): Promise<Buffer> {
  return withClient(known.get(dataDir)!, async (client) => {
    await client.query("checkpoint");
    const { rows } = await client.query(
      "select setting || '/base/' || (select oid from pg_database where datname = current_database()) as folder from pg_settings where name = 'data_directory'",
    );
    const folder: string = rows[0].folder;
    return Buffer.concat(await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name)))));
  });
}
