// Who has polled, as those who watch are told: that a device is there again, and that it has gone silent.

import type { Feed } from "../../changes/feed.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import type { Presence } from "../device-records/presence.ts";

export interface Polled {
  heard(deviceId: string): void;
  /** Looks who has been silent for too long. */
  sweep(): void;
}

export function createPolled({
  presence,
  lastSeen,
  feed,
}: {
  presence: Pick<Presence, "isHeard">;
  lastSeen: Pick<LastSeen, "note">;
  feed: Pick<Feed, "announce">;
}): Polled {
  const shownOnline = new Set<string>();
  return {
    heard(deviceId) {
      lastSeen.note(deviceId);
      if (shownOnline.has(deviceId)) return;
      shownOnline.add(deviceId);
      feed.announce({ kind: "device", id: deviceId });
    },
    sweep() {
      for (const id of shownOnline) {
        if (presence.isHeard(id)) continue;
        shownOnline.delete(id);
        feed.announce({ kind: "device", id });
      }
    },
  };
}
