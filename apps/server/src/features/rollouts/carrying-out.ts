// What rollouts have left to do is done a piece at a time: deployments that are to end or to get a deadline
// (deployments/sweeps.ts), rollouts that are being made (preparation.ts) or rolled back (roll-back-pieces.ts), and
// those that go (deletion.ts). Each piece is a transaction; between two of them everything else has as much time as the
// piece took. What is left is in the rollouts' rows: after a restart it goes on. Of several servers the caretaker does
// it; two at a time would do no harm, as each piece is done behind the rollout's lock.

import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { Storage, Work } from "../../storage/storage.ts";

export interface CarryingOut {
  /** Resolves when nothing is left that is done here. */
  run(): Promise<void>;
  /** Begins with what is left, if it is not under way. */
  wake(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** The next piece of a rollout. Whether there is more. */
export type Piece = (work: Work, rolloutId: string) => Promise<boolean>;

export function createCarryingOut({
  storage,
  feed,
  log,
  pieces,
  isHere,
  settled,
}: {
  storage: Storage;
  feed: Feed;
  log: Logger;
  pieces: readonly Piece[];
  /** Whether it is done at this server now. */
  isHere: () => boolean;
  /** Resolves when what a piece was news of is dealt with: nothing piles up. */
  settled: () => Promise<void>;
}): CarryingOut {
  let running: Promise<void> | undefined;
  let isAsked = false;
  let isStopped = false;

  const mayGoOn = (): boolean => !isStopped && isHere();

  async function rest(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  async function finish(rolloutId: string): Promise<void> {
    for (const piece of pieces)
      for (let isMore = true; isMore && mayGoOn(); ) {
        const began = performance.now();
        isMore = await storage.transaction((work) => piece(work, rolloutId));
        await settled();
        if (isMore) await rest(performance.now() - began);
      }
  }

  async function all(): Promise<void> {
    do {
      isAsked = false;
      const open = await storage.db
        .selectFrom("rollouts")
        .select("id")
        .where((q) =>
          q.or([
            q("sweeps", "is not", null),
            q("preparing", "is not", null),
            q("rollBackDue", "is not", null),
            q("deletedAt", "is not", null),
          ]),
        )
        .execute();
      for (const { id } of open) if (mayGoOn()) await finish(id);
    } while (isAsked && mayGoOn());
  }

  function run(): Promise<void> {
    if (!mayGoOn()) return Promise.resolve();
    isAsked = true;
    running ??= all().finally(() => (running = undefined));
    return running;
  }

  function wake(): void {
    isAsked = true;
    if (running !== undefined) return;
    run().catch((error: unknown) => log.error({ err: error as Error }, "a rollout could not be carried out"));
  }

  // For what was asked at other servers the caretaker looks each second: it is not told which changes are of a row.
  feed.follow((change, _position, isOthers) => {
    if (change.kind === "rollout" && change.countsOnly !== true && !isOthers) wake();
  });

  return {
    run,
    wake,
    async stop() {
      isStopped = true;
      await running?.catch(() => {});
    },
  };
}
