// What devices say and show of their deployments: events for the engine.

import { deploymentStateOf, isFinal } from "@flipside/image-format";
import type { StateReport } from "@flipside/protocol/messages";
import type { Feed } from "../../changes/feed.ts";
import { type CheckInEvidence, provenState } from "../../domain/check-in-evidence.ts";
import { isProgress } from "../../domain/deployment-transitions.ts";
import type { Storage, Work } from "../../storage/storage.ts";
import type { EngineRoom } from "./engine-room.ts";
import type { Memory } from "./memory.ts";
import type { Progress } from "./progress.ts";
import { deploymentRow, openToCheckIn, snapshotOf } from "./store.ts";
import type { EventOf, Together } from "./together.ts";

export type Report = Pick<StateReport, "deployment" | "attempt" | "state" | "code" | "done" | "total">;

export interface Evidence {
  /** Takes what a check-in proves. */
  checkedIn(deviceId: string, evidence: CheckInEvidence): Promise<void>;
  /** Takes a `state` message; returns why it was ignored, if it was. */
  reported(deviceId: string, report: Report): Promise<string | undefined>;
  /** In the transaction that revokes a device. */
  deviceRevoked(work: Work, deviceId: string): Promise<void>;
}

/** A revoked device takes no part any more. */
async function giveUp({ apply }: EngineRoom, work: Work, deviceId: string): Promise<void> {
  const rows = await work.db
    .selectFrom("deployments")
    .select(["id", "rolloutId"])
    .where("deviceId", "=", deviceId)
    .where("finishedAt", "is", null)
    .execute();
  for (const { id, rolloutId } of rows)
    await apply(work, rolloutId, async () => ({
      type: "device-revoked",
      deployment: snapshotOf(await deploymentRow(work.db, id)),
    }));
}

export function createEvidence(options: {
  storage: Storage;
  engineRoom: EngineRoom;
  together: Together;
  memory: Memory;
  progress: Progress;
  feed: Feed;
}): Evidence {
  const { storage, together, memory, progress, feed } = options;
  const { apply } = options.engineRoom;

  return {
    async checkedIn(deviceId, evidence) {
      // Most check-ins prove nothing new.
      const open = (await memory.deployments(deviceId)).filter(
        (row) => provenState(snapshotOf(row, row.isNewest), evidence) !== undefined,
      );
      const eventOf =
        (id: string): EventOf =>
        async (db) => {
          const row = (await openToCheckIn(db, deviceId)).find((each) => each.id === id);
          return row && { type: "checked-in", deployment: snapshotOf(row, row.isNewest), evidence };
        };
      const [first, ...more] = open;
      if (first === undefined) return;
      if (more.length === 0) return void (await together.apply(first.rolloutId, eventOf(first.id)));
      await storage.transaction(async (work) => {
        for (const { id, rolloutId } of open) await apply(work, rolloutId, () => eventOf(id)(work.db));
      });
    },

    async reported(deviceId, report) {
      const { attempt, state, code, done, total } = report;
      const known = (await memory.deployments(deviceId)).find(({ id }) => id === report.deployment);
      if (known !== undefined && isProgress(known, attempt, state)) {
        if (progress.note(known.id, { attempt, state, code, done, total }))
          feed.announce({ kind: "deployment", id: known.id });
        return undefined;
      }
      // It stays a deployment of this device, and of its rollout.
      const found =
        known ??
        (await storage.db
          .selectFrom("deployments")
          .select("rolloutId")
          .where("id", "=", report.deployment)
          .where("deviceId", "=", deviceId)
          .executeTakeFirst());
      if (found === undefined) return "the device has no such deployment";
      const applied = await together.apply(found.rolloutId, async (db) => {
        const row = await deploymentRow(db, report.deployment);
        if (row.finishedAt !== null && isFinal(deploymentStateOf(row.state)) && row.state === state) return undefined;
        return { type: "reported", deployment: snapshotOf(row), attempt, state, code, done, total };
      });
      return applied?.refused;
    },

    deviceRevoked: (work, deviceId) => giveUp(options.engineRoom, work, deviceId),
  };
}
