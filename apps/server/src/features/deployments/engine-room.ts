// One event through the engine: what it is about is read behind the rollout's lock, the engine decides, its changes are
// stored in the same transaction, and noted for whoever follows.

import { isFinalState } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import type { Changes, Join } from "../../domain/changes.ts";
import { step } from "../../domain/rollout-engine.ts";
import type { RolloutEvent } from "../../domain/rollout-events.ts";
import type { Logger } from "../../logging.ts";
import type { DeploymentRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries, Work } from "../../storage/storage.ts";
import { storeJoins } from "./joins.ts";
import type { Progress } from "./progress.ts";
import { changesRow, loadSnapshot, lockRollout, rulesOf, storeChanges } from "./store.ts";
import { withdraw, withdrawable, type Withdrawn } from "./withdrawal.ts";

/** Some of those that wait are away: so many are asked for each place that is free. */
const nextInLineAsked = 8;

export interface EngineRoom {
  /**
   * `eventOf` runs behind the rollout's lock: what was read before it may have changed. Undefined from it: there is no
   * event any more. Returns undefined then, and when there is no such rollout.
   */
  apply(work: Work, rolloutId: string, eventOf: () => Promise<RolloutEvent | undefined>): Promise<Applied | undefined>;
}

export interface Applied {
  /** Why the event changed nothing, when that is worth a log entry. */
  refused: string | undefined;
  /** Of the deployments that it has changed, as they are now, by id. */
  rows: ReadonlyMap<string, DeploymentRow>;
  /** Devices that it has taken into the rollout. */
  joins: readonly Join[];
}

/** Whose turn may have come: a wave has started, the rollout goes on, or there is room again where that is short. */
async function dueBy(
  db: Queries,
  rolloutId: string,
  { changes, currentWave, isCapped }: { changes: Changes; currentWave: number; isCapped: boolean },
): Promise<{ deviceId: string }[]> {
  const ofRollout = db.selectFrom("deployments").select("deviceId").where("rolloutId", "=", rolloutId);
  if (changes.newDeadline !== undefined)
    return ofRollout
      .where("state", "in", changes.newDeadline.states)
      .where("wave", "<=", changes.newDeadline.throughWave)
      .execute();
  const freed = changes.moves.filter(({ to }) => isFinalState(to)).length;
  if (!isCapped || freed === 0) return [];
  return ofRollout
    .where("state", "=", "queued")
    .where("wave", "<=", currentWave)
    .orderBy("wave")
    .orderBy("position")
    .limit(freed * nextInLineAsked)
    .execute();
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
  async function note(
    work: Work,
    { id: rolloutId, name, ...row }: RolloutRow,
    { changes, withdrawn, rows }: { changes: Changes; withdrawn: readonly Withdrawn[]; rows: Applied["rows"] },
  ): Promise<void> {
    const { db } = work;
    const isCapped = (rulesOf(row)[row.currentWave]?.underWayMax ?? null) !== null;
    const due = [
      ...changes.joins,
      ...(await dueBy(db, rolloutId, { changes, currentWave: row.currentWave, isCapped })),
    ];
    // Of two moves of one deployment the first says where it came from.
    const moves = new Map([...changes.moves].reverse().map((move) => [move.id, move]));
    for (const { id, deviceId, state, code } of rows.values()) {
      // A new try is no end: the device is to hear of it.
      if (state === "queued" && moves.has(id)) due.push({ deviceId });
      work.changed({
        kind: "deployment",
        id,
        deviceId,
        ...(moves.has(id) ? { moved: { from: moves.get(id)!.from, state, code, rollout: name } } : {}),
      });
    }
    for (const { id, deviceId, from, to, code } of withdrawn)
      if (!moves.has(id))
        work.changed({ kind: "deployment", id, deviceId, moved: { from, state: to, code, rollout: name } });
    if (changes.joins.length > 0) work.changed({ kind: "targets", id: rolloutId, deployments: changes.joins });
    const countsOnly = !changesRow(changes);
    work.changed({ kind: "rollout", id: rolloutId, due: due.map(({ deviceId }) => deviceId), countsOnly });
    work.afterCommit(() => {
      for (const text of changes.decisions) log.info({ rollout: rolloutId, name }, `decision: ${text}`);
    });
  }

  return {
    async apply(work, rolloutId, eventOf) {
      const row = await lockRollout(work.db, rolloutId);
      const event = await eventOf();
      if (row === undefined || event === undefined) return undefined;
      const now = { steadyMs: clock.steadyMs(), wallMs: clock.wallMs() };
      const changes = step(await loadSnapshot(work.db, row), event, now);
      const cause = changes.withdraw;
      // How far it had come is said of the state that it leaves.
      for (const { id } of changes.deployments) await progress.settle(work, id);
      await storeJoins(work.db, row, changes.joins, clock);
      const rows = await storeChanges(work.db, rolloutId, changes, clock);
      // As the step has left them: what it has ended itself is not withdrawn, and counted, once more.
      const withdrawn = cause === undefined ? [] : await withdrawable(work.db, rolloutId, cause);
      for (const { id, to, code } of withdrawn) {
        await progress.settle(work, id);
        const row = rows.get(id);
        if (row !== undefined) rows.set(id, { ...row, state: to, code });
      }
      if (cause !== undefined) await withdraw(work.db, rolloutId, { cause, of: withdrawn, now: now.wallMs });
      if (changes.deployments.length > 0 || changesRow(changes)) await note(work, row, { changes, withdrawn, rows });
      return { refused: changes.refused, rows, joins: changes.joins };
    },
  };
}
