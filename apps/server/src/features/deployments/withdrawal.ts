// Open deployments that end all at once, as a set: of a hundred thousand, too.

import { type DeploymentStateName, deploymentStateNames } from "@flipside/image-format";
import type { Move, Withdrawal } from "../../domain/changes.ts";
import { endedBy } from "../../domain/deployment-transitions.ts";
import type { Queries } from "../../storage/storage.ts";
import { addCounts } from "./store.ts";

export type Withdrawn = Move & { deviceId: string; code: number };

/** Which states it ends, and how. */
const endsOf = (cause: Withdrawal): { from: DeploymentStateName; to: DeploymentStateName }[] =>
  deploymentStateNames.flatMap((from) => {
    const to = endedBy(cause, from);
    return to === undefined ? [] : [{ from, to }];
  });

/** Those that it will end, as they are now. */
export async function withdrawable(db: Queries, rolloutId: string, cause: Withdrawal): Promise<Withdrawn[]> {
  const ends = new Map(endsOf(cause).map(({ from, to }) => [from, to]));
  const rows = await db
    .selectFrom("deployments")
    .select(["id", "deviceId", "wave", "state", "code"])
    .where("rolloutId", "=", rolloutId)
    .where("state", "in", [...ends.keys()])
    .execute();
  return rows.map(({ id, deviceId, wave, state, code }) => ({
    id,
    deviceId,
    wave,
    code,
    from: state,
    to: ends.get(state)!,
  }));
}

/** Ends them, behind the rollout's lock. `now`: of the wall clock. */
export async function withdraw(
  db: Queries,
  rolloutId: string,
  { cause, of, now }: { cause: Withdrawal; of: readonly Withdrawn[]; now: number },
): Promise<void> {
  for (const { from, to } of endsOf(cause))
    await db
      .updateTable("deployments")
      .set({ state: to, finishedAt: now, updatedAt: now })
      .where("rolloutId", "=", rolloutId)
      .where("state", "=", from)
      .execute();
  await addCounts(
    db,
    rolloutId,
    of.flatMap(({ wave, from, to }) => [
      { wave, state: from, count: -1 },
      { wave, state: to, count: 1 },
    ]),
  );
}
