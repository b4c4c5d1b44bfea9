// Rollouts that are over are put away, out of lists; and what was put away can be deleted, with its history.

import { isFinalState } from "@flipside/image-format";
import { ApiError } from "../../http/errors.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import { addDecisions, countsOf, lockRollout } from "../deployments/store.ts";
import { createDeletion } from "./deletion.ts";

export interface Archiving {
  /** Each throws ApiError. */
  archive(id: string, by: string): Promise<void>;
  unarchive(id: string, by: string): Promise<void>;
  /** It is gone for whoever looks; what it consists of goes a piece at a time. */
  delete(id: string): Promise<void>;
}

/** A rollout that is shown. Throws ApiError when there is none. */
export async function lockShown(db: Queries, id: string): Promise<RolloutRow> {
  const row = await lockRollout(db, id);
  if (row === undefined || row.deletedAt !== null) throw new ApiError("not-found", "There is no such rollout.");
  return row;
}

const refused = (what: string): ApiError => new ApiError("rollout-state", what);

/** Why it is not over; undefined: it is. */
async function openIn(db: Queries, row: RolloutRow): Promise<string | undefined> {
  if (row.state === "running" || row.state === "paused")
    return `It is ${row.state}: wait for its end, or cancel it first.`;
  if (row.preparing !== null || row.sweeps !== null || row.rollBackDue !== null)
    return "What was said to it is still being carried out: try again in a moment.";
  const open = (await countsOf(db, row.id)).filter(({ state }) => !isFinalState(state));
  const count = open.reduce((sum, each) => sum + each.count, 0);
  if (count === 0) return undefined;
  return count === 1
    ? "One of its devices is at work on it, or may still take it when it comes back: wait for it, or end its late offers first."
    : `${count} of its devices are at work on it, or may still take it when they come back: wait for them, or end its late offers first.`;
}

export function createArchiving(options: { storage: Storage; wallMs: () => number; pieceMax: number }): Archiving {
  const { storage, wallMs } = options;
  const deletePiece = createDeletion(options.pieceMax);

  async function setArchived(work: Work, id: string, archivedAt: number | null, said: string): Promise<void> {
    await work.db.updateTable("rollouts").set({ archivedAt }).where("id", "=", id).execute();
    await addDecisions(work.db, id, [said], wallMs());
    work.changed({ kind: "rollout", id });
  }

  return {
    archive: (id, by) =>
      storage.transaction(async (work) => {
        const row = await lockShown(work.db, id);
        if (row.archivedAt !== null) return;
        const open = await openIn(work.db, row);
        if (open !== undefined) throw refused(open);
        await setArchived(work, id, wallMs(), `archived by ${by}`);
      }),
    unarchive: (id, by) =>
      storage.transaction(async (work) => {
        const row = await lockShown(work.db, id);
        if (row.archivedAt !== null) await setArchived(work, id, null, `taken out of the archive by ${by}`);
      }),
    delete: (id) =>
      storage.transaction(async (work) => {
        const row = await lockShown(work.db, id);
        if (row.archivedAt === null)
          throw new ApiError(
            "not-archived",
            "Archive it first: what is deleted is gone, with what became of each of its devices.",
          );
        await work.db.updateTable("rollouts").set({ deletedAt: wallMs() }).where("id", "=", id).execute();
        work.changed({ kind: "rollout", id });
        await deletePiece(work, id);
      }),
  };
}
