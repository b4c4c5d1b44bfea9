// When devices were last heard of. Kept here and written in batches: a row updated at every poll would contend with the
// transactions of rollouts.

import type { Clock } from "../../clock.ts";
import type { Logger } from "../../logging.ts";
import type { Storage } from "../../storage/storage.ts";

const flushEveryMs = 10_000;

export interface LastSeen {
  note(deviceId: string): void;
  /** The newest time, if it is not stored yet. */
  pending(deviceId: string): number | undefined;
  /** Of steady time, since this server has started; undefined: not heard of since then. */
  heardMs(deviceId: string): number | undefined;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export function createLastSeen(storage: Storage, log: Logger, clock: Pick<Clock, "wallMs" | "steadyMs">): LastSeen {
  const heard = new Map<string, number>();
  let seen = new Map<string, number>();
  /** What is being written. */
  let writing: ReadonlyMap<string, number> = new Map();
  async function flush(): Promise<void> {
    if (seen.size === 0) return;
    const batch = seen;
    seen = new Map();
    writing = batch;
    try {
      await storage.transaction(async ({ db }) => {
        for (const [id, at] of batch)
          await db.updateTable("devices").set({ lastSeenAt: at }).where("id", "=", id).execute();
      });
    } catch (error) {
      log.error({ err: error as Error }, "last-seen times could not be written");
      for (const [id, at] of batch) if (!seen.has(id)) seen.set(id, at);
    } finally {
      writing = new Map();
    }
  }
  const timer = setInterval(() => void flush(), flushEveryMs);
  timer.unref();
  return {
    note(deviceId) {
      seen.set(deviceId, clock.wallMs());
      heard.set(deviceId, clock.steadyMs());
    },
    heardMs: (deviceId) => heard.get(deviceId),
    pending: (deviceId) => seen.get(deviceId) ?? writing.get(deviceId),
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
