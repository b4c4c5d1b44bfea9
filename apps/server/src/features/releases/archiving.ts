// Releases are put away, out of lists and not to be rolled out; and what was put away, and nobody needs, is deleted.

import { ApiError } from "../../http/errors.ts";
import type { ReleaseRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { FileRemoval } from "./file-removal.ts";
import { needsOf } from "./needs.ts";
import { imagesOf, lockRelease } from "./stored.ts";

export interface Archiving {
  /** Each throws ApiError. */
  set(id: string, isArchived: boolean): Promise<void>;
  /** Its images go; rollouts that are archived go on telling of it. */
  delete(id: string): Promise<void>;
}

export function createArchiving({
  storage,
  fileRemoval,
  now,
}: {
  storage: Storage;
  fileRemoval: Pick<FileRemoval, "note">;
  now: () => number;
}): Archiving {
  async function locked(db: Queries, id: string): Promise<ReleaseRow> {
    const release = await lockRelease(db, id);
    if (release === undefined) throw new ApiError("not-found", "There is no such release.");
    return release;
  }

  return {
    set: (id, isArchived) =>
      storage.transaction(async ({ db, changed }) => {
        const { archivedAt } = await locked(db, id);
        if ((archivedAt !== null) === isArchived) return;
        await db
          .updateTable("releases")
          .set({ archivedAt: isArchived ? now() : null })
          .where("id", "=", id)
          .execute();
        changed({ kind: "release", id });
      }),
    delete: (id) =>
      storage.transaction(async ({ db, changed }) => {
        const release = await locked(db, id);
        if (release.archivedAt === null)
          throw new ApiError("not-archived", "Archive it first: what is deleted is gone, with its files.");
        const images = await imagesOf(db, id);
        const digests = images.map(({ digest }) => digest);
        const needs = await needsOf(db, release, digests);
        if (needs.length > 0) throw new ApiError("still-needed", needs.join(" "));
        if (digests.length > 0) {
          for (const table of ["permits", "payloadHashes"] as const)
            await db.deleteFrom(table).where("digest", "in", digests).execute();
          await db.deleteFrom("images").where("releaseId", "=", id).execute();
          await fileRemoval.note(db, [...new Set(images.map(({ fileName }) => fileName))]);
        }
        const rollout = await db.selectFrom("rollouts").select("id").where("releaseId", "=", id).executeTakeFirst();
        if (rollout === undefined) await db.deleteFrom("releases").where("id", "=", id).execute();
        else await db.updateTable("releases").set({ deletedAt: now() }).where("id", "=", id).execute();
        changed({ kind: "release", id });
      }),
  };
}
