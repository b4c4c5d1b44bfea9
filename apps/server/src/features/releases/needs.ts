// Who needs a release: as long as anybody does, it can't be deleted.

import { mayAct } from "@flipside/api/rollout-transitions";
import type { ReleaseRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

/** More are not looked for: nobody counts a million devices to name three. */
const namedMax = 3;

/** Of slots that a device may start. */
const startable = ["confirmed", "candidate"] as const;

function sentence(names: readonly string[], one: string, many: string): string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, namedMax).sort();
  const more = names.length > namedMax ? " and others" : "";
  return [`${shown.join(", ")}${more} ${names.length === 1 ? one : many}.`];
}

function devices(db: Queries) {
  return (
    db
      .selectFrom("devices")
      .select("id")
      .where("revokedAt", "is", null)
      // In no order: by that of ids a database would look through all of them for the few.
      .limit(namedMax + 1)
  );
}

/** Those that are not archived may be tried again, or rolled back. */
const shownRollouts = (db: Queries) =>
  db
    .selectFrom("rollouts")
    .select(["rollouts.name", "rollouts.state"])
    .where("rollouts.archivedAt", "is", null)
    .where("rollouts.deletedAt", "is", null);

/** Rollouts that may be rolled back to it: only with a permit does a device go back to what its other slot has not. */
async function rollBacksTo(
  db: Queries,
  release: Pick<ReleaseRow, "product" | "releaseSequence">,
  digests: readonly string[],
): Promise<Pick<RolloutRow, "name">[]> {
  const permit = await db.selectFrom("permits").select("digest").where("digest", "in", digests).executeTakeFirst();
  if (permit === undefined) return [];
  const later = await shownRollouts(db)
    .innerJoin("releases", "releases.id", "rollouts.releaseId")
    .where("releases.product", "=", release.product)
    .where("releases.releaseSequence", ">", release.releaseSequence)
    .execute();
  return later.filter(({ state }) => mayAct(state, "roll-back"));
}

/** In sentences that name a few each; none: nobody does. `digests`: of its images. */
export async function needsOf(db: Queries, release: ReleaseRow, digests: readonly string[]): Promise<string[]> {
  const rollouts = await shownRollouts(db).where("releaseId", "=", release.id).execute();
  const names = (rows: readonly { name: string }[]): string[] => rows.map(({ name }) => name);
  if (digests.length === 0) return sentence(names(rollouts), "is a rollout of it", "are rollouts of it");
  const running = await devices(db).where("runningDigest", "in", digests).execute();
  const other = await devices(db).where("otherDigest", "in", digests).where("otherState", "in", startable).execute();
  const ids = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);
  return [
    ...sentence(ids(running), "runs it", "run it"),
    ...sentence(
      ids(other),
      "has it in the other slot, and may go back to it",
      "have it in the other slot, and may go back to it",
    ),
    ...sentence(
      names(rollouts),
      "is a rollout of it that is not archived, and may be tried again",
      "are rollouts of it that are not archived, and may be tried again",
    ),
    ...sentence(
      names(await rollBacksTo(db, release, digests)),
      "is a rollout that may be rolled back to it, as there is a permit",
      "are rollouts that may be rolled back to it, as there is a permit",
    ),
  ];
}
