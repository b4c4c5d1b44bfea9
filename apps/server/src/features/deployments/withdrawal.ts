// Open deployments that end all at once, as a set, a piece at a time: there may be a million of them.

import { type DeploymentStateName, deploymentStateNames } from "@flipside/image-format";
import type { Move, Withdrawal } from "../../domain/changes.ts";
import { endedBy, isWaiting } from "../../domain/deployment-transitions.ts";
import type { Queries } from "../../storage/storage.ts";
import { addCounts } from "./store.ts";

export type Withdrawn = Move & { deviceId: string; code: number };

/** Which states it ends, and how. Devices that are at work on it are told first. */
const endsOf = (cause: Withdrawal): { from: DeploymentStateName; to: DeploymentStateName }[] =>
  deploymentStateNames
    .flatMap((from) => {
      const to = endedBy(cause, from);
      return to === undefined ? [] : [{ from, to }];
    })
    .sort((one, other) => Number(isWaiting(one.from)) - Number(isWaiting(other.from)));

/** The next ones that it will end, as they are now, `most` of them at most. */
export async function withdrawable(
  db: Queries,
  rolloutId: string,
  cause: Withdrawal,
  most: number,
): Promise<Withdrawn[]> {
  const found: Withdrawn[] = [];
  for (const { from, to } of endsOf(cause)) {
    if (found.length >= most) break;
    const rows = await db
      .selectFrom("deployments")
      .select(["id", "deviceId", "wave", "code"])
      .where("rolloutId", "=", rolloutId)
      .where("state", "=", from)
      .orderBy("wave")
      .orderBy("position")
      .limit(most - found.length)
      .execute();
    found.push(...rows.map((row) => ({ ...row, from, to })));
  }
  return found;
}

/** Ends these, behind the rollout's lock. `now`: of the wall clock. */
export async function withdraw(
  db: Queries,
  rolloutId: string,
  { of, now }: { of: readonly Withdrawn[]; now: number },
): Promise<void> {
  for (const state of new Set(of.map(({ to }) => to)))
    await db
      .updateTable("deployments")
      .set({ state, finishedAt: now, updatedAt: now })
      .where(
        "id",
        "in",
        of.filter(({ to }) => to === state).map(({ id }) => id),
      )
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
