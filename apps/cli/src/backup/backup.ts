// Makes a backup of a data folder while its server runs. The copy is SQLite's own (VACUUM INTO), by a process that does
// nothing else: the backup interface of a connection that is in use gave empty databases, and never ended while others
// wrote. The database comes first: it names only images that are on the disk already.

import {
  copyFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { databaseFileName, imagesFolderName } from "../../../server/src/storage/data-folder.ts";
import { privateFileMode, privateFolderMode } from "../../../server/src/storage/private-files.ts";
import {
  BackupError,
  checkDatabase,
  type Manifest,
  manifestName,
  openDatabase,
  rowsOf,
  sha256OfFile,
  syncPath,
} from "./backup-folder.ts";

/** Nothing is ever deleted from these: a copy that has fewer is none. */
const growing = ["accounts", "devices", "releases", "images", "rollouts", "deployments"];

/** Another connection may be writing. */
const BUSY_MS = 30_000;

function copyDatabase(from: string, to: string): Record<string, number> {
  const source = openDatabase(from);
  let before: Record<string, number>;
  try {
    source.pragma(`busy_timeout = ${BUSY_MS}`);
    before = rowsOf(source);
    source.prepare("vacuum into ?").run(to);
  } catch (error) {
    throw new BackupError(`The database ${from} can't be copied: ${(error as Error).message}.`);
  } finally {
    source.close();
  }
  chmodSync(to, privateFileMode);
  const rows = checkDatabase(to);
  for (const table of growing)
    if ((rows[table] ?? 0) < (before[table] ?? 0))
      throw new BackupError(`The copy of table ${table} has ${rows[table] ?? 0} rows of ${before[table]}: try again.`);
  return rows;
}

function copyImages(dataDir: string, to: string): Pick<Manifest, "images" | "missingImages"> {
  const copy = openDatabase(join(to, databaseFileName));
  const known = copy.prepare("select fileName, fileDigest from images order by fileName").all() as {
    fileName: string;
    fileDigest: string | null;
  }[];
  copy.close();
  mkdirSync(join(to, imagesFolderName), { mode: privateFolderMode });
  const images: Manifest["images"] = [];
  const missingImages: string[] = [];
  for (const { fileName: name, fileDigest } of known) {
    const from = join(dataDir, imagesFolderName, name);
    const path = join(to, imagesFolderName, name);
    if (name === "" || !existsSync(from)) {
      missingImages.push(name);
      continue;
    }
    copyFileSync(from, path);
    chmodSync(path, privateFileMode);
    syncPath(path);
    const { sha256, sizeBytes } = sha256OfFile(path);
    if (fileDigest !== null && sha256 !== fileDigest)
      throw new BackupError(
        `The image file ${from} is damaged: upload its release again, which puts it back, and make the backup then.`,
      );
    images.push({ name, sha256, sizeBytes });
  }
  return { images, missingImages };
}

/** `to` appears when the backup is whole, and not before. Throws BackupError. */
export function makeBackup(dataDir: string, to: string): Manifest {
  const database = join(dataDir, databaseFileName);
  if (!existsSync(database))
    throw new BackupError(
      `${resolve(dataDir)} has no ${databaseFileName}. Of a server on PostgreSQL, take the database with pg_dump and the folder ${imagesFolderName} with cp.`,
    );
  if (existsSync(to) && readdirSync(to).length > 0)
    throw new BackupError(`${resolve(to)} is not empty: give a folder that does not exist yet.`);
  if (!existsSync(dirname(resolve(to))))
    throw new BackupError(`There is no folder ${dirname(resolve(to))} to put the backup in.`);
  const partial = `${resolve(to)}.partial-${process.pid}`;
  mkdirSync(partial, { mode: privateFolderMode });
  try {
    const copy = join(partial, databaseFileName);
    const rows = copyDatabase(database, copy);
    syncPath(copy);
    const made: Manifest = {
      format: 1,
      madeAt: new Date().toISOString(),
      rows,
      ...copyImages(dataDir, partial),
      databaseSha256: sha256OfFile(copy).sha256,
    };
    writeFileSync(join(partial, manifestName), `${JSON.stringify(made, undefined, 2)}\n`, { mode: privateFileMode });
    for (const path of [join(partial, manifestName), join(partial, imagesFolderName), partial]) syncPath(path);
    if (existsSync(to)) rmSync(to, { recursive: true });
    renameSync(partial, to);
    syncPath(dirname(resolve(to)));
    return made;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}
