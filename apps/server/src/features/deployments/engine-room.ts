// One event through the engine: what it is about is read behind the rollout's lock, the engine decides, its changes are
// stored in the same transaction, and noted for whoever follows.

import { isFinalState } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { type Changes, type RolloutEvent, step } from "../../domain/rollout-engine.ts";
import type { Logger } from "../../logging.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Work } from "../../storage/storage.ts";
import type { Progress } from "./progress.ts";
import { deploymentRows, loadSnapshot, lockRollout, storeChanges } from "./store.ts";

/** Some of those that wait are away: so many are asked for each place that is free. */
const nextInLineAsked = 8;

export interface EngineRoom {
  /**
   * `eventOf` runs behind the rollout's lock: what was read before it may have changed. Undefined from it: there is no
   * event any more. Returns undefined then, and when there is no such rollout.
   */
  apply(work: Work, rolloutId: string, eventOf: () => Promise<RolloutEvent | undefined>): Promise<Changes | undefined>;
}

export function createEngineRoom({
  clock,
  log,
  progress,
}: {
  clock: Clock;
  log: Logger;
  progress: Progress;
}): EngineRoom {
  async function note(work: Work, { id: rolloutId, name, ...row }: RolloutRow, changes: Changes): Promise<void> {
    const { db } = work;
    const ofRollout = db.selectFrom("deployments").select("deviceId").where("rolloutId", "=", rolloutId);
    const freed = changes.moves.filter(({ to }) => isFinalState(to)).length;
    // A wave that starts, or a rollout that goes on, makes queued deployments due; so does one that makes room.
    const due =
      changes.newDeadline !== undefined
        ? await ofRollout
            .where("state", "in", changes.newDeadline.states)
            .where("wave", "<=", changes.newDeadline.throughWave)
            .execute()
        : row.underWayMax !== null && freed > 0
          ? await ofRollout
              .where("state", "=", "queued")
              .where("wave", "<=", row.currentWave)
              .orderBy("position")
              .limit(freed * nextInLineAsked)
              .execute()
          : [];
    const moves = new Map(changes.moves.map((move) => [move.id, move]));
    for (const { id, deviceId, state, code } of await deploymentRows(
      db,
      changes.deployments.map(({ id }) => id),
    )) {
      work.changed({
        kind: "deployment",
        id,
        deviceId,
        ...(moves.has(id) ? { moved: { from: moves.get(id)!.from, state, code, rollout: name } } : {}),
      });
    }
    work.changed({ kind: "rollout", id: rolloutId, due: due.map(({ deviceId }) => deviceId) });
    work.afterCommit(() => {
      for (const text of changes.decisions) log.info({ rollout: rolloutId, name }, `decision: ${text}`);
    });
  }

  return {
    async apply(work, rolloutId, eventOf) {
      const row = await lockRollout(work.db, rolloutId);
      const event = await eventOf();
      if (row === undefined || event === undefined) return undefined;
      const changes = step(await loadSnapshot(work.db, row), event, clock.steadyMs());
      // How far it had come is said of the state that it leaves.
      for (const { id } of changes.deployments) await progress.settle(work, id);
      await storeChanges(work.db, rolloutId, changes, clock);
      const isNews =
        changes.deployments.length > 0 || Object.keys(changes.rollout).length > 0 || changes.decisions.length > 0;
      if (isNews) await note(work, row, changes);
      return changes;
    },
  };
}
