// Devices that a rollout has taken in, as the engine says it.

import type { Clock } from "../../clock.ts";
import type { Join } from "../../domain/changes.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { addCounts } from "./store.ts";

/** Behind the rollout's lock. */
export async function storeJoins(
  db: Queries,
  { id: rolloutId, waveTotals }: Pick<RolloutRow, "id" | "waveTotals">,
  joins: readonly Join[],
  clock: Pick<Clock, "wallMs">,
): Promise<void> {
  if (joins.length === 0) return;
  const at = clock.wallMs();
  const totals = JSON.parse(waveTotals) as number[];
  for (const { wave } of joins) totals[wave]!++;
  await db
    .updateTable("rollouts")
    .set({ waveTotals: JSON.stringify(totals) })
    .where("id", "=", rolloutId)
    .execute();
  const queued = {
    attempt: 1,
    state: "queued" as const,
    code: 0,
    done: 0,
    createdAt: at,
    updatedAt: at,
    offeredAt: null,
    notBefore: null,
    cameFrom: null,
    finishedAt: null,
  };
  await db
    .insertInto("deployments")
    .values(joins.map((join) => ({ ...join, ...queued, rolloutId })))
    .execute();
  await addCounts(
    db,
    rolloutId,
    joins.map(({ wave }) => ({ wave, state: "queued", count: 1 })),
  );
}
