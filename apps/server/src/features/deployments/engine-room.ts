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
import { type Sweep, storedSweeps, sweep, sweepsAfter, sweepsOf, type Swept } from "./sweeps.ts";
import type { Withdrawn } from "./withdrawal.ts";

/** Some of those that wait are away: so many are asked for each place that is free. */
const nextInLineAsked = 8;

export interface EngineRoom {
  /**
   * `eventOf` runs behind the rollout's lock: what was read before it may have changed. Undefined from it: there is no
   * event any more. Returns undefined then, and when there is no such rollout.
   */
  apply(work: Work, rolloutId: string, eventOf: () => Promise<RolloutEvent | undefined>): Promise<Applied | undefined>;
  /** The next piece of what an event has left to do (sweeps.ts). Whether there is more. */
  goOn(work: Work, rolloutId: string): Promise<boolean>;
}

export interface Applied {
  /** Why the event changed nothing, when that is worth a log entry. */
  refused: string | undefined;
  /** Of the deployments that it has changed, as they are now, by id. */
  rows: ReadonlyMap<string, DeploymentRow>;
  /** Devices that it has taken into the rollout. */
  joins: readonly Join[];
}

/** Whose turn may have come, as there is room again where that is short. */
async function dueBy(
  db: Queries,
  rolloutId: string,
  { changes, currentWave, isCapped }: { changes: Changes; currentWave: number; isCapped: boolean },
): Promise<{ deviceId: string }[]> {
  const freed = changes.moves.filter(({ to }) => isFinalState(to)).length;
  if (!isCapped || freed === 0 || changes.newDeadline !== undefined) return [];
  return db
    .selectFrom("deployments")
    .select("deviceId")
    .where("rolloutId", "=", rolloutId)
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
  pieceMax,
  tellsInOrder,
}: {
  clock: Clock;
  log: Logger;
  progress: Progress;
  /** Deployments that one transaction ends, or gives a deadline. */
  pieceMax: number;
  /** Changes are told in the order of their commits: not so where several servers write. */
  tellsInOrder: boolean;
}): EngineRoom {
  async function note(
    work: Work,
    { id: rolloutId, name, ...row }: RolloutRow,
    { changes, swept, rows }: { changes: Changes; swept: Omit<Swept, "sweeps">; rows: Applied["rows"] },
  ): Promise<void> {
    const { db } = work;
    const isCapped = (rulesOf(row)[row.currentWave]?.underWayMax ?? null) !== null;
    const due = [
      ...changes.joins,
      ...swept.due,
      ...(await dueBy(db, rolloutId, { changes, currentWave: row.currentWave, isCapped })),
    ];
    // Of two moves of one deployment the first says where it came from.
    const moves = new Map([...changes.moves].reverse().map((move) => [move.id, move]));
    for (const left of rows.values()) {
      const { id, deviceId, state, code } = left;
      // A new try is no end: the device is to hear of it.
      if (state === "queued" && moves.has(id)) due.push({ deviceId });
      work.changed({
        kind: "deployment",
        id,
        deviceId,
        ...(tellsInOrder && !swept.withdrawn.some((each) => each.id === id) ? { row: left } : {}),
        ...(moves.has(id) ? { moved: { from: moves.get(id)!.from, state, code, rollout: name } } : {}),
      });
    }
    if (changes.joins.length > 0) work.changed({ kind: "targets", id: rolloutId, deployments: changes.joins });
    const countsOnly = !changesRow(changes);
    const withdrawn = swept.withdrawn.filter(({ id }) => !moves.has(id));
    noteSwept(work, { id: rolloutId, name }, { withdrawn, due, countsOnly });
    work.afterCommit(() => {
      for (const text of changes.decisions) log.info({ rollout: rolloutId, name }, `decision: ${text}`);
    });
  }

  const noteSwept = (
    work: Work,
    { id: rolloutId, name }: Pick<RolloutRow, "id" | "name">,
    { withdrawn, due, countsOnly }: { withdrawn: readonly Withdrawn[]; due: Swept["due"]; countsOnly: boolean },
  ): void => {
    for (const { id, deviceId, from, to, code } of withdrawn)
      work.changed({ kind: "deployment", id, deviceId, moved: { from, state: to, code, rollout: name } });
    work.changed({ kind: "rollout", id: rolloutId, due: due.map(({ deviceId }) => deviceId), countsOnly });
  };

  /** The next piece, and what is left, in the row. */
  async function sweepPiece(
    work: Work,
    row: Pick<RolloutRow, "id" | "sweeps">,
    sweeps: readonly Sweep[],
  ): Promise<Swept> {
    const settle = (id: string): Promise<void> => progress.settle(work, id);
    const swept = await sweep(work.db, row.id, sweeps, { most: pieceMax, now: clock.wallMs(), settle });
    const left = storedSweeps(swept.sweeps);
    if (left !== row.sweeps)
      await work.db.updateTable("rollouts").set({ sweeps: left }).where("id", "=", row.id).execute();
    return swept;
  }

  return {
    async goOn(work, rolloutId) {
      const row = await lockRollout(work.db, rolloutId);
      if (row === undefined || row.sweeps === null) return false;
      const swept = await sweepPiece(work, row, sweepsOf(row.sweeps));
      noteSwept(work, row, { ...swept, countsOnly: false });
      return swept.sweeps.length > 0;
    },
    async apply(work, rolloutId, eventOf) {
      const row = await lockRollout(work.db, rolloutId);
      const event = await eventOf();
      if (row === undefined || event === undefined) return undefined;
      const now = { steadyMs: clock.steadyMs(), wallMs: clock.wallMs() };
      const changes = step(await loadSnapshot(work.db, row), event, now);
      // How far it had come is said of the state that it leaves.
      for (const { id } of changes.deployments) await progress.settle(work, id);
      await storeJoins(work.db, row, changes.joins, clock);
      const rows = await storeChanges(work.db, rolloutId, changes, clock);
      const isSweeping = changes.withdraw !== undefined || changes.newDeadline !== undefined;
      const swept = isSweeping
        ? await sweepPiece(work, row, sweepsAfter(sweepsOf(row.sweeps), changes))
        : { withdrawn: [], due: [] };
      // What the step has ended itself is not withdrawn once more; of what it has moved only, this is the end.
      for (const { id, to, code } of swept.withdrawn) {
        const moved = rows.get(id);
        if (moved !== undefined) rows.set(id, { ...moved, state: to, code });
      }
      if (changes.deployments.length > 0 || changesRow(changes)) await note(work, row, { changes, swept, rows });
      return { refused: changes.refused, rows, joins: changes.joins };
    },
  };
}
