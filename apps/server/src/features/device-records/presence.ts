// Which devices are away: not heard of for longer than a device that is there may be silent.

import type { LastSeen } from "./last-seen.ts";

export interface Presence {
  /** `lastSeenAt`: as stored. */
  isAway(deviceId: string, lastSeenAt: number | null): boolean;
}

export function createPresence(options: {
  lastSeen: Pick<LastSeen, "pending">;
  wallMs: () => number;
  silenceMaxMs: number;
}): Presence {
  // While this server was down nobody could be heard.
  const since = options.wallMs();
  return {
    isAway: (deviceId, lastSeenAt) =>
      options.wallMs() - Math.max(since, options.lastSeen.pending(deviceId) ?? lastSeenAt ?? 0) > options.silenceMaxMs,
  };
}
