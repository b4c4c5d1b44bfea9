// A session's first check-in beside what was heard of its device before: does one board speak for it, or two?

import type { Clock } from "../../clock.ts";
import { sessionSpoke } from "../../domain/identity-conflict.ts";
import type { DeviceUpdate } from "../../storage/schema.ts";
import { columnsOfTrail, isInConflict, type StoredTrail, trailOf } from "../device-records/board-trail.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { Memory } from "../deployments/memory.ts";
import type { Session } from "../sessions/sessions.ts";

export interface BoardTrails {
  /** Called when the session's newest message is its first check-in. Returns what changes of the device's row by it. */
  firstCheckIn(session: Session): Promise<Pick<DeviceUpdate, "boardTrail" | "conflictUntil">>;
}

export function createBoardTrails({
  memory,
  deviceLog,
  clock,
  isShared,
}: {
  memory: Pick<Memory, "device">;
  deviceLog: Pick<DeviceLog, "add">;
  clock: Pick<Clock, "steadyMs" | "wallMs">;
  /** Several servers may have a device's sessions in turn: what is in memory of the last one may not be of that. */
  isShared: boolean;
}): BoardTrails {
  return {
    async firstCheckIn({ deviceId, newest: first, newestBefore }) {
      const row = await memory.device(deviceId);
      if (row === null || first === undefined) return {};
      const now = { steadyMs: clock.steadyMs(), wallMs: clock.wallMs() };
      const before: StoredTrail = trailOf(row);
      const stored = before.last ?? (row.bootCounter === null ? undefined : { boot: row.bootCounter, sequence: 0 });
      // A board that took another one's place by a person's word has not checked in yet.
      const last = row.bootCounter === null ? undefined : isShared ? stored : (newestBefore ?? stored);
      const after = last === undefined ? before : sessionSpoke(before, last, first, now);
      if (after === before && !isShared) return {};
      const columns = columnsOfTrail(isShared ? { ...after, last: first } : after);
      if (isInConflict(columns, now.steadyMs) && !isInConflict(row, now.steadyMs))
        deviceLog.add(
          deviceId,
          "identity",
          "two boards say that they are this device, and push each other off: nothing is offered until one is gone",
        );
      return columns;
    },
  };
}
