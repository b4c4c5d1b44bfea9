// Which offers carry the product's release state: the first one of a session, where a device misses it otherwise, and
// the next one after it has changed.

import type { Session } from "../sessions/sessions.ts";
import type { ReleaseStates } from "../release-states/release-states.ts";
import type { Memory } from "./memory.ts";

export interface ReleaseStateDelivery {
  /** What this session's next offer carries; `sent` is to be called when that is on its way. */
  next(session: Session): Promise<{ file: Uint8Array; sent(): void } | undefined>;
}

export function createReleaseStateDelivery(
  states: Pick<ReleaseStates, "newestOf">,
  memory: Pick<Memory, "device">,
): ReleaseStateDelivery {
  const told = new WeakMap<Session, number>();
  return {
    async next(session) {
      const product = (await memory.device(session.deviceId))?.product;
      const newest = product == null ? undefined : await states.newestOf(product);
      if (newest === undefined || newest.issuedAt === told.get(session)) return undefined;
      return { file: newest.file, sent: () => void told.set(session, newest.issuedAt) };
    },
  };
}
