// Roll-backs are carried out: who was updated by a rollout gets what it came from, by an urgent rollout of its own for
// each earlier release. That one is due is in the rollout's row, so that it is made whatever dies meanwhile. Here those
// of few devices, in one transaction; of many, a piece at a time (roll-back-pieces.ts).

import type { Clock } from "../../clock.ts";
import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { Storage, Work } from "../../storage/storage.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addDecisions, lockRollout } from "../deployments/store.ts";
import { insertRollout } from "./insert-rollout.ts";
import { dueIn } from "./roll-back-pieces.ts";
import { decisionsOf, offeredBy, rowBack, type WaysBackOptions, waysBackOf, type Went } from "./ways-back.ts";

export interface RollBacks {
  /** Makes those that are due. */
  tick(): Promise<void>;
}

interface Options extends WaysBackOptions {
  storage: Storage;
  engineRoom: EngineRoom;
  feed: Feed;
  clock: Clock;
  log: Logger;
  /** Devices that a transaction deals with. */
  pieceMax: number;
}

export function createRollBacks(options: Options): RollBacks {
  const { storage, engineRoom, clock, feed, log, pieceMax } = options;

  async function carryOut(work: Work, rolloutId: string): Promise<void> {
    const { db } = work;
    const row = await lockRollout(db, rolloutId);
    const due = row && dueIn(row);
    // Who is at work on it is told first that it is over.
    if (row === undefined || due === undefined || row.sweeps !== null || due.plan !== undefined) return;
    const rows = await offeredBy(db, rolloutId, due)
      .selectAll()
      .orderBy("position")
      .limit(pieceMax + 1)
      .execute();
    if (rows.length > pieceMax) return;
    const { byRelease, stay } = await waysBackOf(options, db, rows);
    const went: Went[] = [];
    for (const [releaseId, targets] of byRelease) {
      const { version, ...planned } = await rowBack(db, row, releaseId);
      await insertRollout({ engineRoom, clock }, work, {
        ...planned,
        leftOut: "",
        waveTotals: [targets.length],
        targets,
      });
      went.push({ count: targets.length, version, name: planned.name });
    }
    await db.updateTable("rollouts").set({ rollBackDue: null }).where("id", "=", rolloutId).execute();
    await addDecisions(db, rolloutId, decisionsOf(went, stay, stay.length), clock.wallMs());
    work.changed({ kind: "rollout", id: rolloutId });
  }

  async function tick(): Promise<void> {
    const due = await storage.db.selectFrom("rollouts").select("id").where("rollBackDue", "is not", null).execute();
    for (const { id } of due) await storage.transaction((work) => carryOut(work, id));
  }

  feed.follow((change, _position, isOthers) => {
    if (change.kind !== "rollout" || change.countsOnly === true || isOthers) return;
    void tick().catch((error: unknown) => log.error({ err: error as Error }, "a roll-back could not be made"));
  });
  return { tick };
}
