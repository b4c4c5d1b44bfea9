// Which of the devices that are connected may have something else to do than they were last told: their deployment
// ended, one that waits became due, a file that was gone is back.

import { isFinalState } from "@flipside/image-format";
import type { Announcement, Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { Change } from "../../storage/outbox.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";

/** Devices that may have something else to do after this. */
function touchedBy(change: Change | Announcement): readonly string[] {
  if (change.kind === "rollout") return change.due ?? [];
  if (change.kind === "turn") return change.deviceIds;
  const moved = change.kind === "deployment" && "moved" in change ? change.moved : undefined;
  return moved !== undefined && isFinalState(moved.state) ? [(change as { deviceId: string }).deviceId] : [];
}

/** Whom to look for in the database, since nobody names them. */
function waitersAfter(change: Change | Announcement): { digests?: string[]; rolloutId?: string } | undefined {
  if (change.kind === "images-mended") return { digests: change.digests };
  if (change.kind === "rollout") return change.othersDue === "many" ? { rolloutId: change.id } : undefined;
  return change.kind === "emergency-stop" || change.kind === "anything" ? {} : undefined;
}

const devicesAtATime = 500;

/**
 * Of these devices, whose deployments are open: of these images, when files that were gone are back; of this rollout.
 */
async function waitersAmong(
  db: Queries,
  deviceIds: readonly string[],
  { digests, rolloutId }: { digests?: readonly string[]; rolloutId?: string },
): Promise<string[]> {
  const rows = await db
    .selectFrom("deployments")
    .select("deviceId")
    .distinct()
    .where("deviceId", "in", deviceIds)
    .where("finishedAt", "is", null)
    .$if(digests !== undefined, (q) => q.where("digest", "in", digests!))
    .$if(rolloutId !== undefined, (q) => q.where("rolloutId", "=", rolloutId!))
    .execute();
  return rows.map(({ deviceId }) => deviceId);
}

/** From now on `push` hears of them; of the second kind as long as it is not closed, a piece at a time. */
export function followDue({
  feed,
  storage,
  connected,
  push,
  isClosed,
  log,
}: {
  feed: Pick<Feed, "follow">;
  storage: Storage;
  connected: () => Iterable<string>;
  push: (deviceIds: readonly string[]) => void;
  isClosed: () => boolean;
  log: Logger;
}): void {
  /** Of those that are connected here: there may be a million others that wait. */
  async function pushWaiters(whom: { digests?: string[]; rolloutId?: string }): Promise<void> {
    const ids = [...connected()];
    for (let at = 0; at < ids.length && !isClosed(); at += devicesAtATime) {
      push(await waitersAmong(storage.db, ids.slice(at, at + devicesAtATime), whom));
      await turnOfTheLoop();
    }
  }

  feed.follow((change) => {
    push(touchedBy(change));
    const whom = waitersAfter(change);
    if (whom === undefined) return;
    pushWaiters(whom).catch((error: unknown) =>
      log.error({ err: error as Error, kind: change.kind }, "devices could not be told that offers have changed"),
    );
  });
}
