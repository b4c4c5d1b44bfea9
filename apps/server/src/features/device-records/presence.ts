// Which devices are away: not heard of for longer than a device that is there may be silent. By steady time: a wall
// clock that is set back would make everybody present for as long as it was set back.

import type { LastSeen } from "./last-seen.ts";

export interface Presence {
  isAway(deviceId: string): boolean;
  /** It was heard of lately: of who was not heard of since this server has started, nothing is known. */
  isHeard(deviceId: string): boolean;
}

export function createPresence(options: {
  lastSeen: Pick<LastSeen, "heardMs">;
  steadyMs: () => number;
  /** Agents of ours are heard more often than others. */
  silenceMaxMs: (deviceId: string) => number;
}): Presence {
  // While this server was down nobody could be heard.
  const since = options.steadyMs();
  const isLate = (deviceId: string, atMs: number): boolean =>
    options.steadyMs() - atMs > options.silenceMaxMs(deviceId);
  return {
    isHeard(deviceId) {
      const atMs = options.lastSeen.heardMs(deviceId);
      return atMs !== undefined && !isLate(deviceId, atMs);
    },
    isAway: (deviceId) => isLate(deviceId, options.lastSeen.heardMs(deviceId) ?? since),
  };
}
