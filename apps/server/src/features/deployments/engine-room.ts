// Events through the engine: what they are about is read behind the rollout's lock, the engine decides, its changes are
// stored in the same transaction, and noted for whoever follows. Several events of one rollout share the lock, the
// reading of its row and counts, and the writing of the counts (together.ts).

import { isFinalState } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import type { Changes, Join } from "../../domain/changes.ts";
import { step } from "../../domain/rollout-engine.ts";
import { rolloutFacts } from "../../domain/rollout-facts.ts";
import type { RolloutEvent } from "../../domain/rollout-events.ts";
import type { Logger } from "../../logging.ts";
import type { DeploymentRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries, Work } from "../../storage/storage.ts";
import { storeJoins } from "./joins.ts";
import type { Progress } from "./progress.ts";
import {
  afterMoves,
  changesRow,
  lockRollout,
  type Read,
  readRollout,
  rulesOf,
  storeChanges,
  storeMoves,
} from "./store.ts";
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
  /** The same for several events, one after the other. */
  applyAll(
    work: Work,
    rolloutId: string,
    eventsOf: readonly (() => Promise<RolloutEvent | undefined>)[],
  ): Promise<(Applied | undefined)[]>;
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

/** What is to be told of the rollout after an event. */
interface OfRollout {
  due: string[];
  countsOnly: boolean;
}

interface Step {
  changes: Changes;
  applied: Applied;
  ofRollout: OfRollout | undefined;
  /** Nothing of the rollout is another than before, but how many deployments are in which state. */
  isOfCountsAlone: boolean;
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
  /** Returns what is to be told of the rollout itself. */
  async function note(
    work: Work,
    { id: rolloutId, name, requestId, ...row }: RolloutRow,
    { changes, swept, rows }: { changes: Changes; swept: Omit<Swept, "sweeps">; rows: Applied["rows"] },
  ): Promise<OfRollout> {
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
    noteWithdrawn(work, name, withdrawn);
    work.afterCommit(() => {
      // Which request began it; which one has said something of it now is in every line (logging.ts).
      const about = { rollout: rolloutId, name, ...(requestId === null ? {} : { begunBy: requestId }) };
      for (const text of changes.decisions) log.info(about, `decision: ${text}`);
    });
    return { due: due.map(({ deviceId }) => deviceId), countsOnly };
  }

  const noteWithdrawn = (work: Work, rollout: string, withdrawn: readonly Withdrawn[]): void => {
    for (const { id, deviceId, from, to, code } of withdrawn)
      work.changed({ kind: "deployment", id, deviceId, moved: { from, state: to, code, rollout } });
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

  /** One event, of a rollout that is read as it is now. Its counts are left to be written. */
  async function applyTo(work: Work, { row, snapshot }: Read, event: RolloutEvent): Promise<Step> {
    const changes = step(snapshot, event, { steadyMs: clock.steadyMs(), wallMs: clock.wallMs() });
    // How far it had come is said of the state that it leaves.
    for (const { id } of changes.deployments) await progress.settle(work, id);
    await storeJoins(work.db, row, changes.joins, clock);
    const rows = await storeChanges(work.db, row.id, changes, clock);
    const isSweeping = changes.withdraw !== undefined || changes.newDeadline !== undefined;
    const swept = isSweeping
      ? await sweepPiece(work, row, sweepsAfter(sweepsOf(row.sweeps), changes))
      : { withdrawn: [], due: [] };
    // What the step has ended itself is not withdrawn once more; of what it has moved only, this is the end.
    for (const { id, to, code } of swept.withdrawn) {
      const moved = rows.get(id);
      if (moved !== undefined) rows.set(id, { ...moved, state: to, code });
    }
    const isChange = changes.deployments.length > 0 || changesRow(changes);
    const ofRollout = isChange ? await note(work, row, { changes, swept, rows }) : undefined;
    for (const { fact, about } of rolloutFacts(snapshot, changes))
      work.changed({ kind: "fact", id: row.id, fact, at: clock.wallMs(), about: { name: row.name, ...about } });
    return {
      ...{ changes, ofRollout, isOfCountsAlone: !isSweeping && !changesRow(changes) },
      applied: { refused: changes.refused, rows, joins: changes.joins },
    };
  }

  async function applyAll(
    work: Work,
    rolloutId: string,
    eventsOf: readonly (() => Promise<RolloutEvent | undefined>)[],
  ): Promise<(Applied | undefined)[]> {
    const { db } = work;
    let row = await lockRollout(db, rolloutId);
    let read: Read | undefined;
    const applied: (Applied | undefined)[] = [];
    const told: OfRollout[] = [];
    let moves: Changes["moves"] = [];
    for (const eventOf of eventsOf) {
      const event = await eventOf();
      if (row === undefined || event === undefined) {
        applied.push(undefined);
        continue;
      }
      read ??= await readRollout(db, row);
      const done = await applyTo(work, read, event);
      applied.push(done.applied);
      if (done.ofRollout !== undefined) told.push(done.ofRollout);
      moves = [...moves, ...done.changes.moves];
      read = done.isOfCountsAlone ? afterMoves(read, done.changes.moves) : undefined;
      if (read !== undefined || applied.length === eventsOf.length) continue;
      // The next one is to meet what this one has made of the rollout.
      await storeMoves(db, rolloutId, moves);
      moves = [];
      row = await lockRollout(db, rolloutId);
    }
    await storeMoves(db, rolloutId, moves);
    if (told.length > 0) {
      const due = told.flatMap((each) => each.due);
      work.changed({ kind: "rollout", id: rolloutId, due, countsOnly: told.every((each) => each.countsOnly) });
    }
    return applied;
  }

  return {
    applyAll,
    async goOn(work, rolloutId) {
      const row = await lockRollout(work.db, rolloutId);
      if (row === undefined || row.sweeps === null) return false;
      const { withdrawn, due, sweeps } = await sweepPiece(work, row, sweepsOf(row.sweeps));
      noteWithdrawn(work, row.name, withdrawn);
      const devices = due.map(({ deviceId }) => deviceId);
      work.changed({ kind: "rollout", id: rolloutId, due: devices, countsOnly: false });
      return sweeps.length > 0;
    },
    apply: async (work, rolloutId, eventOf) => (await applyAll(work, rolloutId, [eventOf]))[0],
  };
}
