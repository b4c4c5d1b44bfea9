// Releases and images as they are stored.

import type { ImageRow, ReleaseRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

export const releaseOf = (db: Queries, id: string): Promise<ReleaseRow | undefined> =>
  db.selectFrom("releases").selectAll().where("id", "=", id).where("deletedAt", "is", null).executeTakeFirst();

/** For a transaction in which it must not be deleted, or that deletes it. */
export const lockRelease = (db: Queries, id: string): Promise<ReleaseRow | undefined> =>
  db
    .selectFrom("releases")
    .selectAll()
    .where("id", "=", id)
    .where("deletedAt", "is", null)
    .forUpdate()
    .executeTakeFirst();

export const imagesOf = (db: Queries, releaseId: string): Promise<ImageRow[]> =>
  db.selectFrom("images").selectAll().where("releaseId", "=", releaseId).execute();
