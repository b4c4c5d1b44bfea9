// Offers: what each device is told to do now, in answer to its check-in and whenever that may have changed
// (follow-due.ts).

import { offer, offerMembers } from "@flipside/protocol/server-messages";
import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Turns } from "../../turns.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { followDue } from "./follow-due.ts";
import type { Offering } from "./offering.ts";
import type { ReleaseStateDelivery } from "./release-state-delivery.ts";

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
  releaseStates: ReleaseStateDelivery;
  storage: Storage;
  feed: Feed;
  turns: Turns;
  pollMs: number;
  log: Logger;
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
    const state = await options.releaseStates.next(session);
    if (options.sessions.of(deviceId) !== session) return;
    const members = deployment && offerMembers(deployment);
    await options.link.publish(deviceId, [offer(session.id, options.pollMs, members, state?.file)]);
    state?.sent();
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

  followDue({ ...options, connected: () => options.sessions.generations().keys(), push, isClosed: () => closed });

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
