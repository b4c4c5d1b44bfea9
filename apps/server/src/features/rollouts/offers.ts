// Offers: what each device is told to do now, in answer to its check-in and whenever that may have changed.

import type { Logger } from "../../logging.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Turns } from "../../mqtt/turns.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { Rollouts } from "./rollouts.ts";

/** Devices that are told at the same time when a wave starts; the rest of them follow. */
const pushesUnderWayMax = 16;

export interface Offers {
  /** Answers a check-in. */
  answer(deviceId: string): Promise<void>;
  /** Tells the devices among these that are here. */
  push(deviceIds: string[]): void;
  close(): Promise<void>;
}

export function createOffers(options: {
  link: () => DeviceLink;
  sessions: Sessions;
  rollouts: () => Rollouts;
  turns: Turns;
  pollMs: number;
  log: Logger;
}): Offers {
  /** Devices that may have something else to do than they were last told. */
  const stale = new Set<string>();
  const waiting = new Set<string>();
  const underWay = new Set<Promise<void>>();
  let closed = false;

  async function answer(deviceId: string): Promise<void> {
    const session = options.sessions.of(deviceId);
    if (session === undefined || !session.checkedIn) return;
    const offer = await options.rollouts().offerFor(deviceId);
    // What led here, and what making the offer itself has changed, is in it.
    stale.delete(deviceId);
    if (options.sessions.of(deviceId) !== session) return;
    await options.link().publish(deviceId, "offer", JSON.stringify({ session: session.id, pollMs: options.pollMs, ...offer }), 1);
  }

  function pump(): void {
    for (const deviceId of waiting) {
      if (closed || underWay.size >= pushesUnderWayMax) return;
      waiting.delete(deviceId);
      const work: Promise<void> = options.turns
        // A check-in that was dealt with meanwhile has told it already.
        .run(deviceId, async () => void (stale.has(deviceId) && (await answer(deviceId))))
        .catch((error: unknown) => options.log.error({ err: error as Error, device: deviceId }, "an offer could not be made"))
        .finally(() => {
          underWay.delete(work);
          pump();
        });
      underWay.add(work);
    }
  }

  return {
    answer,
    push(deviceIds) {
      for (const deviceId of deviceIds) {
        if (!options.sessions.of(deviceId)?.checkedIn) continue;
        stale.add(deviceId);
        waiting.add(deviceId);
      }
      pump();
    },
    async close() {
      closed = true;
      stale.clear();
      waiting.clear();
      await Promise.all(underWay);
    },
  };
}
