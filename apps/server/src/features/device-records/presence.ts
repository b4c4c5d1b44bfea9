// Which devices are away: not heard of for longer than a device that is there may be silent. By steady time: a wall
// clock that is set back would make everybody present for as long as it was set back.

import type { LastSeen } from "./last-seen.ts";

export interface Presence {
  isAway(deviceId: string): boolean;
}

export function createPresence(options: {
  lastSeen: Pick<LastSeen, "heardMs">;
  steadyMs: () => number;
  silenceMaxMs: number;
}): Presence {
  // While this server was down nobody could be heard.
  const since = options.steadyMs();
  return {
    isAway: (deviceId) => options.steadyMs() - (options.lastSeen.heardMs(deviceId) ?? since) > options.silenceMaxMs,
  };
}
