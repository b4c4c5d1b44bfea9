// One owner at a time of a folder. Why the lock is SQLite's: docs/decisions/0007-a-folder-is-owned-through-sqlite.md.
//
// `owner.lock` is a database of one row, which says who the owner is. The owner keeps a write transaction open: the
// lock of that (fcntl) dies with its process, however it dies, and others may read the row meanwhile. POSIX drops a
// process's locks on a file when it closes any descriptor of that file: so nobody in the owner's process may open
// owner.lock but SQLite.

import { closeSync, mkdirSync, openSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { Database } from "./sqlite.ts";

const LOCK_FILE = "owner.lock";
/** How long the owner's row may be in the middle of being written. */
const READ_TIMEOUT_MS = 1_000;
/** Others that come at the same moment may win a step; more often than this, one of them holds it. */
const ROUNDS_MAX = 20;

export interface Owner {
  processId: number;
  host: string;
  /** ISO 8601. */
  since: string;
  command: string;
}

export class FolderInUseError extends Error {
  override name = "FolderInUseError";
  constructor(
    readonly folder: string,
    /** Undefined: it had not said yet. */
    readonly owner: Owner | undefined,
  ) {
    const who =
      owner === undefined
        ? "by a process that starts just now"
        : `by process ${owner.processId}${owner.host === hostname() ? "" : ` on ${owner.host}`} since ${owner.since} (${owner.command})`;
    super(
      `The folder ${folder} is in use ${who}. Stop that first${owner === undefined ? "" : ` (kill ${owner.processId})`}, or choose another folder.`,
    );
  }
}

export interface FolderLock {
  /** May be called more than once. */
  release(): void;
}

/** A handle that nobody refers to is collected, and its lock with it. */
const held = new Set<Database>();

/**
 * As a person would have typed it: npm's words only in the program that the script itself started, not in what that
 * starts.
 */
export function commandOfThisProcess(): string {
  const script = process.env["npm_lifecycle_event"];
  const isOfScript =
    process.env["npm_package_name"] === "flipside" && process.env["FLIPSIDE_LAUNCHER"] === String(process.ppid);
  if (script === undefined || !isOfScript) return ["node", ...process.argv.slice(1)].join(" ");
  const words = script === "start" || script === "test" ? script : `run ${script}`;
  return `npm ${words}${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : ""}`;
}

function isBusy(error: unknown): boolean {
  return String((error as { code?: unknown }).code).startsWith("SQLITE_BUSY");
}

/**
 * Makes the folder if need be and takes it, until `release` or the end of this process. Never waits for the owner.
 * Throws FolderInUseError, or what the file system or SQLite says (a folder that can't be written).
 */
export function lockFolder(folder: string): FolderLock {
  const path = join(resolve(folder), LOCK_FILE);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // SQLite would make it readable to all.
  makePrivate(path);
  const database = new Database(path, { timeout: READ_TIMEOUT_MS });
  try {
    // What it says is worth nothing after a power cut of this machine: the owner is gone then. So nothing waits for the
    // disk, least of all for other files' data, which some file systems write out with the first fsync that comes
    // (ext4, data=ordered).
    database.pragma("synchronous = OFF");
    const owner: Owner = {
      processId: process.pid,
      host: hostname(),
      since: new Date().toISOString(),
      command: commandOfThisProcess(),
    };
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (!beginWriting(database)) throw new FolderInUseError(resolve(folder), livingOwner(database));
      if (JSON.stringify(readOwner(database)) === JSON.stringify(owner)) {
        held.add(database);
        return {
          release: () => {
            if (!held.delete(database)) return;
            database.exec("ROLLBACK");
            database.close();
          },
        };
      }
      // Others can read only what is committed, and a commit gives the lock away for a moment.
      database.exec("CREATE TABLE IF NOT EXISTS owner (json TEXT NOT NULL); DELETE FROM owner");
      database.prepare("INSERT INTO owner VALUES (?)").run(JSON.stringify(owner));
      database.exec("COMMIT");
    }
    throw new FolderInUseError(resolve(folder), livingOwner(database));
  } catch (error) {
    database.close();
    const code = String((error as { code?: unknown }).code);
    if (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT")
      throw new Error(`${path} is damaged (${code}). When no other process uses that folder, delete it.`);
    throw error;
  }
}

/** Makes the file, readable to its owner alone. Never when it is there: see the head of this file. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function beginWriting(database: Database): boolean {
  database.pragma("busy_timeout = 0");
  try {
    database.exec("BEGIN IMMEDIATE");
    return true;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return false;
  } finally {
    database.pragma(`busy_timeout = ${READ_TIMEOUT_MS}`);
  }
}

/** The row of one that is gone stays until its successor has written its own, which takes a moment. */
function livingOwner(database: Database): Owner | undefined {
  for (const end = performance.now() + READ_TIMEOUT_MS; performance.now() < end; ) {
    const owner = readOwner(database);
    if (owner !== undefined && (owner.host !== hostname() || isAlive(owner.processId))) return owner;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  return undefined;
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function readOwner(database: Database): Owner | undefined {
  try {
    const row = database.prepare("SELECT json FROM owner").get() as { json: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.json) as Owner);
  } catch (error) {
    if (isBusy(error) || /no such table/.test((error as Error).message)) return undefined;
    throw error;
  }
}
