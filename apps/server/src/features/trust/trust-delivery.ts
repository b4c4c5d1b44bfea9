// Sends the newest trust record to devices that have an older one, when they check in; and to one that would lose its
// running image by it, the newest before that one: so that stock which was on a shelf while keys were replaced can take
// them one after the other, with an update in between.

import { ErrorCode } from "@flipside/image-format";
import type { CheckIn } from "@flipside/protocol/messages";
import { trustChain } from "@flipside/protocol/server-messages";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Session } from "../sessions/sessions.ts";
import type { Trust } from "./trust.ts";

/** A device that did not take it, or was busy, gets it again after this long. */
const againMs = 60_000;

export interface TrustDelivery {
  /**
   * Before the check-in's offer is answered: what is offered may be signed by a key that the device has yet to learn.
   */
  checkedIn(session: Session, checkIn: CheckIn): Promise<void>;
}

export function createTrustDelivery(options: { link: DeviceLink; trust: Trust; now: () => number }): TrustDelivery {
  const { trust, now } = options;
  const sent = new WeakMap<Session, { version: number; at: number }>();
  return {
    async checkedIn(session, { trust: deviceVersion, trustDigest, running, trustRefused: refused }) {
      // One of another line takes none of this one's.
      if (trust.relation(deviceVersion, trustDigest ?? null) !== "older") return;
      const tooNew = refused?.code === ErrorCode.TrustWouldRefuseImage && refused.version <= trust.version;
      const version = tooNew ? refused.version - 1 : trust.version;
      // A candidate on trial takes none; it checks in again when it is confirmed.
      if (deviceVersion >= version || running.state !== "confirmed") return;
      const last = sent.get(session);
      if (last?.version === version) {
        // What was refused for another reason is not sent twice in a session. 0: a record that did not hold.
        if (refused?.version === version || refused?.version === 0 || now() - last.at < againMs) return;
      }
      sent.set(session, { version, at: now() });
      await options.link.publish(session.deviceId, [trustChain(trust.chainOf(version))]);
    },
  };
}
