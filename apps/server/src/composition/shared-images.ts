// That several servers mean the same folder by their images: it is marked by the first one, and the database knows the
// mark.

import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../start-error.ts";
import { privateFileMode, privateFolderMode } from "../storage/private-files.ts";
import type { Storage } from "../storage/storage.ts";

const metaKey = "images-folder";
const markName = "flipside-images.id";

/** Throws StartError. */
export async function checkImagesFolder(storage: Storage, folder: string): Promise<void> {
  const row = await storage.db.selectFrom("meta").select("value").where("key", "=", metaKey).executeTakeFirst();
  const path = join(folder, markName);
  try {
    if (row === undefined) {
      const mark = randomBytes(16).toString("hex");
      await mkdir(folder, { recursive: true, mode: privateFolderMode });
      await writeFile(path, mark, { mode: privateFileMode });
      await storage.db
        .insertInto("meta")
        .values({ key: metaKey, value: Buffer.from(mark) })
        .execute();
      return;
    }
    const found = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return undefined;
    });
    if (found === row.value.toString()) return;
    throw new StartError(
      `${folder} is not the folder in which the servers of this database keep their images (${markName} ${found === undefined ? "is missing" : "is another one's"}). Mount that one, or name it with --images-dir.`,
    );
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The images folder ${folder} cannot be used: ${(error as Error).message} (--images-dir)`);
  }
}
