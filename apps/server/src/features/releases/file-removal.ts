// Files of images that are gone from the database. The rows go first, in one transaction with a note of each file; the
// files later, so a crash in between leaves a note and no image without its file. A file is named by its content: an
// upload that brings the same takes the note back, and waits for a file that is being removed right then.

import type { Logger } from "../../logging.ts";
import { ApiError } from "../../http/errors.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { ImageFiles } from "./image-files.ts";

const filesAtATime = 20;
/** A store that is away is not asked each second. */
const restAfterFaultMs = 5_000;
const waitMs = 100;
const waitMsMax = 10_000;

export interface FileRemoval {
  /** In the transaction after which no image has them. */
  note(db: Queries, names: readonly string[]): Promise<void>;
  /** Before they are written: none of them is removed from then on. Throws ApiError when one can't be had. */
  reclaim(names: readonly string[]): Promise<void>;
  /** Removes what is noted, as far as it can be; nobody needs to wait for it. */
  tick(): Promise<void>;
  /** Resolves when nothing of it is under way any more. */
  stop(): Promise<void>;
}

export function createFileRemoval({
  storage,
  files,
  now,
  log,
}: {
  storage: Storage;
  files: Pick<ImageFiles, "removeImage">;
  now: () => number;
  log: Logger;
}): FileRemoval {
  /** Whether it is still nobody's, and nobody's upload may have it before it is removed. */
  const claim = (name: string): Promise<boolean> =>
    storage.transaction(async ({ db }) => {
      const note = await db
        .selectFrom("filesToRemove")
        .selectAll()
        .where("fileName", "=", name)
        .forUpdate()
        .executeTakeFirst();
      if (note === undefined) return false;
      const image = await db.selectFrom("images").select("digest").where("fileName", "=", name).executeTakeFirst();
      if (image === undefined)
        await db.updateTable("filesToRemove").set({ claimedAt: now() }).where("fileName", "=", name).execute();
      else await db.deleteFrom("filesToRemove").where("fileName", "=", name).execute();
      return image === undefined;
    });

  /** Whether none of them is being removed. */
  const takeBack = (names: readonly string[]): Promise<boolean> =>
    storage.transaction(async ({ db }) => {
      const notes = await db
        .selectFrom("filesToRemove")
        .selectAll()
        .where("fileName", "in", names)
        .forUpdate()
        .execute();
      if (notes.some(({ claimedAt }) => claimedAt !== null)) return false;
      if (notes.length > 0) await db.deleteFrom("filesToRemove").where("fileName", "in", names).execute();
      return true;
    });

  let isStopped = false;
  let restsUntilMs = 0;
  let removing: Promise<void> | undefined;
  async function remove(): Promise<void> {
    const notes = await storage.db.selectFrom("filesToRemove").select("fileName").limit(filesAtATime).execute();
    for (const { fileName } of notes) {
      if (isStopped) return;
      if (!(await claim(fileName))) continue;
      await files.removeImage(fileName);
      await storage.db.deleteFrom("filesToRemove").where("fileName", "=", fileName).execute();
      log.info({ file: fileName }, "the file of an image that was deleted is removed");
    }
  }

  return {
    async note(db, names) {
      await db
        .insertInto("filesToRemove")
        .values(names.map((fileName) => ({ fileName, claimedAt: null })))
        .onConflict((conflict) => conflict.column("fileName").doNothing())
        .execute();
    },
    async reclaim(names) {
      for (let waited = 0; !(await takeBack(names)); waited += waitMs) {
        if (waited >= waitMsMax)
          throw new ApiError(
            "server-busy",
            "The files of a deleted release of the same content are being removed, which takes long: try again later.",
            { retryAfterSeconds: 60 },
          );
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    },
    async stop() {
      isStopped = true;
      await removing;
    },
    tick() {
      if (isStopped || performance.now() < restsUntilMs) return removing ?? Promise.resolve();
      removing ??= remove()
        .catch((error: unknown) => {
          restsUntilMs = performance.now() + restAfterFaultMs;
          log.error({ err: error as Error }, "files of deleted images could not be removed");
        })
        .finally(() => (removing = undefined));
      return removing;
    },
  };
}
