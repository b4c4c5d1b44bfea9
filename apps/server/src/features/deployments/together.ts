// What devices bring in one turn of the event loop for one rollout is one transaction: its row and its counts are read
// once, and the counts written once. Each device hears how its own came out.

import type { RolloutEvent } from "../../domain/rollout-events.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import { StorageUnavailable } from "../../storage/storage-unavailable.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import type { Applied, EngineRoom } from "./engine-room.ts";

/** As many as keep a transaction within a few milliseconds. */
export const togetherMax = 32;

/** Reads what the event is about by this handle only, behind the rollout's lock; it may be asked again. */
export type EventOf = (db: Queries) => Promise<RolloutEvent | undefined>;

export interface Together {
  /** As `EngineRoom.apply`, in a transaction that others may be in. Rejects as a transaction of its own does. */
  apply(rolloutId: string, eventOf: EventOf): Promise<Applied | undefined>;
}

interface Waiting {
  eventOf: EventOf;
  resolve: (applied: Applied | undefined) => void;
  reject: (error: unknown) => void;
}

export function createTogether({
  storage,
  engineRoom,
}: {
  storage: Storage;
  engineRoom: Pick<EngineRoom, "apply" | "applyAll">;
}): Together {
  /** By rollout: those that the next transaction takes. */
  const gathering = new Map<string, Waiting[]>();

  const alone = (rolloutId: string, eventOf: EventOf): Promise<Applied | undefined> =>
    storage.transaction((work) => engineRoom.apply(work, rolloutId, () => eventOf(work.db)));

  async function carryOut(rolloutId: string, all: readonly Waiting[]): Promise<void> {
    await turnOfTheLoop();
    if (gathering.get(rolloutId) === all) gathering.delete(rolloutId);
    const eventsOf = (work: Work) =>
      all.map(
        ({ eventOf }) =>
          () =>
            eventOf(work.db),
      );
    try {
      const applied = await storage.transaction((work) => engineRoom.applyAll(work, rolloutId, eventsOf(work)));
      all.forEach(({ resolve }, i) => resolve(applied[i]));
    } catch (error) {
      if (all.length === 1 || error instanceof StorageUnavailable) {
        for (const { reject } of all) reject(error);
        return;
      }
      // One of them is not to take the others with it.
      for (const { eventOf, resolve, reject } of all) await alone(rolloutId, eventOf).then(resolve, reject);
    }
  }

  function gather(rolloutId: string, waiting: Waiting): void {
    const before = gathering.get(rolloutId);
    if (before !== undefined && before.length < togetherMax) return void before.push(waiting);
    const all = [waiting];
    gathering.set(rolloutId, all);
    void carryOut(rolloutId, all);
  }

  return {
    apply: (rolloutId, eventOf) =>
      // Of several servers, each transaction asks whose its one device is (transaction-guard.ts).
      storage.shared === undefined
        ? new Promise((resolve, reject) => gather(rolloutId, { eventOf, resolve, reject }))
        : alone(rolloutId, eventOf),
  };
}
