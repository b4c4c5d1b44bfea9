// A backup as it lies in its folder: the database, the image files, and what was found of both when it was made.

import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { Database } from "@flipside/processes/sqlite";
import { CommandFailure } from "../command-line/failures.ts";
import { z } from "zod";

export const manifestName = "backup.json";

/** What was given can't be used: said without a stack. */
export class BackupError extends CommandFailure {}

const manifest = z.strictObject({
  format: z.literal(1),
  madeAt: z.iso.datetime(),
  databaseSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Rows of each table. */
  rows: z.record(z.string(), z.int().min(0)),
  images: z.array(z.strictObject({ name: z.string(), sha256: z.string(), sizeBytes: z.int().min(0) })),
  /** Images that the database names and the data folder did not have. */
  missingImages: z.array(z.string()),
});
export type Manifest = z.output<typeof manifest>;

const readBytes = 1024 * 1024;

export function sha256OfFile(path: string): { sha256: string; sizeBytes: number } {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(readBytes);
  const file = openSync(path, "r");
  try {
    let sizeBytes = 0;
    for (;;) {
      const count = readSync(file, buffer);
      if (count === 0) return { sha256: hash.digest("hex"), sizeBytes };
      hash.update(buffer.subarray(0, count));
      sizeBytes += count;
    }
  } finally {
    closeSync(file);
  }
}

/** What was written there is on the disk afterwards. */
export function syncPath(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The database of a data folder, only to be read. Throws BackupError. */
export function openDatabase(path: string): Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw new BackupError(`The database ${path} can't be opened: ${(error as Error).message}`);
  }
}

export function rowsOf(database: Database): Record<string, number> {
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
    .all() as { name: string }[];
  return Object.fromEntries(
    tables.map(({ name }) => [
      name,
      (database.prepare(`select count(*) as count from "${name}"`).get() as { count: number }).count,
    ]),
  );
}

/** Throws BackupError unless the database is whole. Returns its rows. */
export function checkDatabase(path: string): Record<string, number> {
  const database = openDatabase(path);
  try {
    const found = database.pragma("integrity_check") as { integrity_check: string }[];
    const wrong = found.filter(({ integrity_check: text }) => text !== "ok");
    if (wrong.length > 0) throw new BackupError(`${path} is damaged: ${wrong[0]!.integrity_check}`);
    if ((database.pragma("foreign_key_check") as unknown[]).length > 0)
      throw new BackupError(`${path} has rows that refer to nothing.`);
    return rowsOf(database);
  } catch (error) {
    if (error instanceof BackupError) throw error;
    throw new BackupError(`${path} is no database of Flipside: ${(error as Error).message}`);
  } finally {
    database.close();
  }
}

/** Throws BackupError when the folder holds no backup. */
export function readManifest(folder: string): Manifest {
  const path = join(folder, manifestName);
  try {
    return manifest.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "it has none" : "it can't be read";
    throw new BackupError(`${folder} holds no backup made by "flipside backup": of ${manifestName}, ${why}.`);
  }
}
