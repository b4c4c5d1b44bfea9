// Database and images are the server's alone: whoever reads them has the secrets of every device, and can make an
// administrator's cookie. Folders are made 0700 and files 0600, whatever the umask; what is found wider is narrowed.

import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../start-error.ts";

export const privateFileMode = 0o600;
export const privateFolderMode = 0o700;
const othersMask = 0o077;
const stickyBit = 0o1000;
/** Of the folder's owner (packages/processes); its modes are changed, and it is never opened. */
const lockName = "owner.lock";

/** SQLite makes its other files with the database's mode (os_unix.c, findCreateFileMode). */
const databaseFiles = (database: string): string[] => [
  database,
  `${database}-wal`,
  `${database}-shm`,
  `${database}-journal`,
];

/** Takes all rights of group and others away. Returns what it had to change. Throws StartError where it can't. */
function narrow(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || (stat.mode & othersMask) === 0) return undefined;
  if (stat.isDirectory() && (stat.mode & stickyBit) !== 0) {
    throw new StartError(
      `${path} is a folder for everybody (mode ${(stat.mode & 0o7777).toString(8)}). Give the data a folder of its own with --data-dir.`,
    );
  }
  const before = (stat.mode & 0o777).toString(8).padStart(4, "0");
  const mode = stat.isDirectory() ? privateFolderMode : privateFileMode;
  try {
    chmodSync(path, mode);
  } catch (error) {
    throw new StartError(
      `Others may read ${path} (mode ${before}), and this user may not change that (${(error as Error).message}). Run: chmod ${mode.toString(8)} ${path}`,
    );
  }
  if ((statSync(path).mode & othersMask) !== 0)
    throw new StartError(
      `${path} stays readable for others (mode ${before}) though it was changed: its file system keeps no modes. Put the data elsewhere with --data-dir.`,
    );
  return `${path} was ${before}, now ${mode.toString(8).padStart(4, "0")}`;
}

/**
 * Makes data directory and database file for the owner alone, and narrows what is there. Returns a line for everything
 * that was wider. `database`: where it is a file. Windows has no such modes: there the folder's own rights count, and
 * nothing is looked at.
 */
export function makePrivate(dataDir: string, database: string | undefined): string[] {
  mkdirSync(dataDir, { recursive: true, mode: privateFolderMode });
  if (process.platform === "win32") return [];
  // Before SQLite makes it, and for the others that it makes beside.
  if (database !== undefined) closeSync(openSync(database, "a", privateFileMode));
  const paths = [
    dataDir,
    ...(database === undefined ? [] : databaseFiles(database)),
    ...databaseFiles(join(dataDir, lockName)),
  ];
  for (const folder of ["images", "uploads"].map((name) => join(dataDir, name))) {
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    paths.push(
      folder,
      ...readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(folder, entry.name)),
    );
  }
  return paths.map(narrow).filter((line) => line !== undefined);
}
