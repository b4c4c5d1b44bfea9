// Puts a backup where a server can start from it, after it has been looked at entirely.

import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { databaseFileName, imagesFolderName } from "../../../server/src/storage/data-folder.ts";
import { privateFileMode, privateFolderMode } from "../../../server/src/storage/private-files.ts";
import { BackupError, checkDatabase, type Manifest, readManifest, sha256OfFile, syncPath } from "./backup-folder.ts";

/** Every byte is as it was when the backup was made. Throws BackupError. */
export function checkBackup(folder: string): Manifest {
  const manifest = readManifest(folder);
  const database = join(folder, databaseFileName);
  if (!existsSync(database) || sha256OfFile(database).sha256 !== manifest.databaseSha256)
    throw new BackupError(`${database} is not the one of the backup any more: take another backup.`);
  const rows = checkDatabase(database);
  for (const [table, count] of Object.entries(manifest.rows))
    if (rows[table] !== count)
      throw new BackupError(`Table ${table} has ${rows[table] ?? 0} rows, and had ${count} when the backup was made.`);
  for (const { name, sha256 } of manifest.images) {
    const path = join(folder, imagesFolderName, name);
    if (!existsSync(path) || sha256OfFile(path).sha256 !== sha256)
      throw new BackupError(`The image file ${path} is not the one of the backup any more: take another backup.`);
  }
  return manifest;
}

/** `dataDir` appears when everything is in it, and not before. Throws BackupError. */
export function restoreBackup(from: string, dataDir: string): Manifest {
  const manifest = checkBackup(from);
  const target = resolve(dataDir);
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new BackupError(
      `${target} is not empty. Give a folder that does not exist yet: what a server has there would be lost.`,
    );
  mkdirSync(dirname(target), { recursive: true });
  const partial = `${target}.partial-${process.pid}`;
  mkdirSync(join(partial, imagesFolderName), { recursive: true, mode: privateFolderMode });
  try {
    const files = [databaseFileName, ...manifest.images.map(({ name }) => join(imagesFolderName, name))];
    for (const file of files) {
      copyFileSync(join(from, file), join(partial, file));
      chmodSync(join(partial, file), privateFileMode);
      syncPath(join(partial, file));
    }
    for (const path of [partial, join(partial, imagesFolderName)]) chmodSync(path, privateFolderMode);
    syncPath(partial);
    if (existsSync(target)) rmSync(target, { recursive: true });
    renameSync(partial, target);
    syncPath(dirname(target));
    return manifest;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}
