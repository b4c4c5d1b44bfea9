// Rollouts that end when another one starts, in the transaction that makes it.

import { covers } from "@flipside/api/scope";
import { scopeIn } from "../../storage/stored-scope.ts";
import type { Queries, Work } from "../../storage/storage.ts";
import { ApiError } from "../../http/errors.ts";
import { mayAct } from "@flipside/api/rollout-transitions";
import type { Clock } from "../../clock.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addDecisions } from "../deployments/store.ts";
import type { Refusal } from "./refusal.ts";
import type { ScopedRequest } from "./stored-request.ts";

/** Why rollouts of these ids can't give way. */
export async function refusalsOfSuperseded(
  db: Queries,
  { supersedes: ids, scope }: Pick<ScopedRequest, "supersedes" | "scope">,
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const [index, id] of ids.entries()) {
    const found = await db
      .selectFrom("rollouts")
      .select(["name", "state", "scope"])
      .where("id", "=", id)
      .executeTakeFirst();
    const row = found !== undefined && covers(scope, scopeIn(found)) ? found : undefined;
    if (row !== undefined && mayAct(row.state, "give-way")) continue;
    const what = row === undefined ? `There is no rollout ${id}.` : `Rollout ${row.name} is ${row.state} already.`;
    refusals.push({
      code: "rollout-state",
      what,
      todo: "Leave it out of those that this one supersedes.",
      errors: [{ path: `supersedes.${index}`, message: what }],
    });
  }
  return refusals;
}

/** Throws ApiError when one has ended meanwhile. `by`: who made the one that starts. */
export async function supersede(
  { engineRoom, clock }: { engineRoom: EngineRoom; clock: Pick<Clock, "wallMs"> },
  work: Work,
  ids: readonly string[],
  { by, to }: { by: string; to: { id: string; name: string } },
): Promise<void> {
  // Always in the same order, so that two that lock several don't wait for each other.
  for (const id of [...new Set(ids)].sort()) {
    const changes = await engineRoom.apply(work, id, async () => ({ type: "give-way", by, to }));
    if (changes === undefined || changes.refused !== undefined)
      throw new ApiError("rollout-state", `Rollout ${id} can't be superseded: ${changes?.refused ?? "there is none"}.`);
    const { name } = await work.db.selectFrom("rollouts").select("name").where("id", "=", id).executeTakeFirstOrThrow();
    await addDecisions(work.db, to.id, [`supersedes rollout ${name}, which is over`], clock.wallMs());
  }
}
