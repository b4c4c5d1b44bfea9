// Offers: what each device is told to do now, in answer to its check-in and whenever that may have changed: its
// deployment ended, one that waits became due, a file that was gone is back.

import { isFinalState } from "@flipside/image-format";
import { offer, offerMembers } from "@flipside/protocol/server-messages";
import type { Announcement, Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Turns } from "../../turns.ts";
import type { Change } from "../../storage/outbox.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import type { Offering } from "./offering.ts";

/** Devices that are told at the same time when a wave starts; the rest of them follow. */
const pushesUnderWayMax = 16;

export interface Offers {
  /** Answers a check-in. */
  answer(deviceId: string): Promise<void>;
  close(): Promise<void>;
}

export interface OffersOptions {
  link: DeviceLink;
  sessions: Sessions;
  offering: Pick<Offering, "offerFor">;
  storage: Storage;
  feed: Feed;
  turns: Turns;
  pollMs: number;
  log: Logger;
}

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

export function createOffers(options: OffersOptions): Offers {
  /** Devices that may have something else to do than they were last told. */
  const stale = new Set<string>();
  const waiting = new Set<string>();
  const underWay = new Set<Promise<void>>();
  const { log } = options;
  let closed = false;

  async function answer(deviceId: string): Promise<void> {
    const session = options.sessions.of(deviceId);
    if (session === undefined || !session.checkedIn) return;
    // What led here is in it. What changes from now on may not be, and is told after it.
    stale.delete(deviceId);
    const deployment = await options.sessions.owning(session, () => options.offering.offerFor(deviceId));
    if (options.sessions.of(deviceId) !== session) return;
    await options.link.publish(deviceId, [offer(session.id, options.pollMs, deployment && offerMembers(deployment))]);
  }

  function pump(): void {
    for (const deviceId of waiting) {
      if (closed || underWay.size >= pushesUnderWayMax) return;
      waiting.delete(deviceId);
      const work: Promise<void> = options.turns
        // A check-in that was dealt with meanwhile has told it already.
        .run(deviceId, async () => void (stale.has(deviceId) && (await answer(deviceId))))
        .catch((error: unknown) => log.error({ err: error as Error, device: deviceId }, "an offer could not be made"))
        .finally(() => {
          underWay.delete(work);
          pump();
        });
      underWay.add(work);
    }
  }

  function push(deviceIds: readonly string[]): void {
    for (const deviceId of deviceIds) {
      if (!options.sessions.of(deviceId)?.checkedIn) continue;
      stale.add(deviceId);
      waiting.add(deviceId);
    }
    pump();
  }

  /** Of those that are connected here: there may be a million others that wait. A piece at a time. */
  async function pushWaiters(whom: { digests?: string[]; rolloutId?: string }): Promise<void> {
    const connected = [...options.sessions.generations().keys()];
    for (let at = 0; at < connected.length && !closed; at += devicesAtATime) {
      push(await waitersAmong(options.storage.db, connected.slice(at, at + devicesAtATime), whom));
      await turnOfTheLoop();
    }
  }

  options.feed.follow((change) => {
    push(touchedBy(change));
    const whom = waitersAfter(change);
    if (whom === undefined) return;
    pushWaiters(whom).catch((error: unknown) =>
      log.error({ err: error as Error, kind: change.kind }, "devices could not be told that offers have changed"),
    );
  });

  return {
    answer,
    async close() {
      closed = true;
      stale.clear();
      waiting.clear();
      await Promise.all(underWay);
    },
  };
}
