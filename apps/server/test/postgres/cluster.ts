// A PostgreSQL server of the tests' own: Debian's, with its data in a temporary folder, reached by a socket there.

import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";

const debianFolder = "/usr/lib/postgresql";
const startMs = 30_000;

/** The folder with the programs of the newest version that is installed. */
function programs(): string | undefined {
  if (!existsSync(debianFolder)) return undefined;
  const folders = readdirSync(debianFolder)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(debianFolder, version, "bin"));
  return folders.find((folder) => existsSync(join(folder, "initdb")));
}

export const postgresMissing: string | undefined =
  programs() === undefined ? "PostgreSQL is not installed (apt-get install -y postgresql)" : undefined;

/** PostgreSQL refuses to be root. */
function account(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((each) => each.startsWith("postgres:"));
  const [, , uid, gid] = line?.split(":") ?? ["", "", "65534", "65534"];
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Ends with whoever holds the other end of its standard input, by signal or not. A signal to the whole group, as of a
 * terminal, is not its own: the folder would stay. SIGINT to PostgreSQL: without waiting for clients.
 */
const untilInputEnds =
  'trap "" HUP INT TERM; "$0" -D "$1/data" -k "$1" -c listen_addresses= $2 -c max_connections=200 >"$1/log" 2>&1 & child=$!; read _; kill -INT $child; wait $child; rm -rf "$1"';

/** What tests store need not outlive the machine. */
const volatile = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off";

export interface Cluster {
  folder: string;
  /** Address of a database of this name. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

/** `isDurable`: what is committed is on the disk, for whoever measures. */
export async function startCluster({ isDurable = false } = {}): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "flipside-postgres-"));
  const as = account();
  // Others may not connect: the socket lies in it.
  chmodSync(folder, 0o700);
  if (as !== undefined) chownSync(folder, as.uid, as.gid);
  const bin = programs()!;
  execFileSync(
    join(bin, "initdb"),
    ["-D", join(folder, "data"), "-U", "flipside", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"],
    { ...as, stdio: "pipe", cwd: folder, timeout: startMs },
  );
  const child = spawn("/bin/sh", ["-c", untilInputEnds, join(bin, "postgres"), folder, isDurable ? "" : volatile], {
    ...as,
    stdio: ["pipe", "ignore", "ignore"],
    cwd: folder,
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const urlOf = (database: string): string => `postgres://flipside@${encodeURIComponent(folder)}/${database}`;
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };
  const deadline = Date.now() + startMs;
  for (;;) {
    const client = new pg.Client({ connectionString: urlOf("postgres") });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.end();
      return { folder, urlOf, stop };
    } catch (error) {
      if (Date.now() > deadline || child.exitCode !== null) {
        const log = existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "";
        await stop();
        throw new Error(`PostgreSQL did not start: ${(error as Error).message}\n${log}`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
