// What devices say and show of their deployments, and what time says of them: events for the engine.

import { type DeploymentStateName, deploymentStateOf, isFinal } from "@flipside/image-format";
import type { StateReport } from "@flipside/protocol/messages";
import type { Feed } from "../../changes/feed.ts";
import type { Clock } from "../../clock.ts";
import { type CheckInEvidence, provenState } from "../../domain/check-in-evidence.ts";
import { abandonable, isProgress } from "../../domain/deployment-transitions.ts";
import { waitsOnly } from "../../domain/snapshots.ts";
import type { DeploymentRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { Presence } from "../device-records/presence.ts";
import type { Brake } from "./brake.ts";
import type { EngineRoom } from "./engine-room.ts";
import type { Memory } from "./memory.ts";
import type { Progress } from "./progress.ts";
import { deploymentRow, loadSnapshot, openToCheckIn, snapshotOf } from "./store.ts";

const deadlinesPerTick = 500;

export interface Evidence {
  /** Takes what a check-in proves. */
  checkedIn(deviceId: string, evidence: CheckInEvidence): Promise<void>;
  /** Takes a `state` message; returns why it was ignored, if it was. */
  reported(deviceId: string, report: StateReport): Promise<string | undefined>;
  /** In the transaction that revokes a device. */
  deviceRevoked(work: Work, deviceId: string): Promise<void>;
  /** Looks at what time alone changes: deadlines, waves that were watched long enough, devices that are away. */
  tick(): Promise<void>;
}

/** Those that are past their deadline, as far as one round takes; `isStopped`: that of offers stands still. */
function lateDeployments(
  db: Queries,
  now: number,
  isStopped: boolean,
): Promise<{ id: string; rolloutId: string; state: DeploymentStateName }[]> {
  return (
    db
      .selectFrom("deployments")
      .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
      .select(["deployments.id", "deployments.rolloutId", "deployments.state"])
      .where("deployments.finishedAt", "is", null)
      .where("deployments.deadlineAt", "is not", null)
      .where("deployments.deadlineAt", "<=", now)
      // Those that wait in a paused rollout keep their place; they get a new deadline when it is resumed.
      .where((q) => q.or([q("deployments.state", "<>", "queued"), q("rollouts.state", "=", "running")]))
      .$if(isStopped, (q) => q.where("deployments.state", "not in", ["queued", ...abandonable]))
      .limit(deadlinesPerTick)
      .execute()
  );
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

/** Rollouts of which a wave has been watched for long enough. */
async function endSoaks(storage: Storage, { apply }: EngineRoom, now: number): Promise<void> {
  const due = await storage.db
    .selectFrom("rollouts")
    .select("id")
    .where("state", "=", "running")
    .where("soakUntil", "<=", now)
    .execute();
  for (const { id } of due) await storage.transaction((work) => apply(work, id, async () => ({ type: "soak-over" })));
}

/** Rollouts whose present wave has nothing under way, and waits for devices that are away. */
async function passOverAway(storage: Storage, { apply }: EngineRoom, presence: Presence): Promise<void> {
  const running = await storage.db.selectFrom("rollouts").selectAll().where("state", "=", "running").execute();
  for (const row of running) {
    if (!waitsOnly(await loadSnapshot(storage.db, row))) continue;
    const waiting = (db: Queries): Promise<(DeploymentRow & { lastSeenAt: number | null })[]> =>
      db
        .selectFrom("deployments")
        .innerJoin("devices", "devices.id", "deployments.deviceId")
        .selectAll("deployments")
        .select("devices.lastSeenAt")
        .where("rolloutId", "=", row.id)
        .where("wave", "=", row.currentWave)
        .where("state", "=", "queued")
        .execute();
    const areAway = (rows: { deviceId: string; lastSeenAt: number | null }[]): boolean =>
      rows.every(({ deviceId, lastSeenAt }) => presence.isAway(deviceId, lastSeenAt));
    if (!areAway(await waiting(storage.db))) continue;
    await storage.transaction((work) =>
      apply(work, row.id, async () => {
        const away = await waiting(work.db);
        return areAway(away) ? { type: "others-away", away: away.map((each) => snapshotOf(each)) } : undefined;
      }),
    );
  }
}

export function createEvidence(options: {
  storage: Storage;
  engineRoom: EngineRoom;
  memory: Memory;
  progress: Progress;
  presence: Presence;
  brake: Brake;
  feed: Feed;
  clock: Clock;
}): Evidence {
  const { storage, memory, progress, feed, clock } = options;
  const { apply } = options.engineRoom;

  return {
    async checkedIn(deviceId, evidence) {
      // Most check-ins prove nothing new.
      const open = (await memory.deployments(deviceId)).filter(
        (row) => provenState(snapshotOf(row, row.newestOffered), evidence) !== undefined,
      );
      if (open.length === 0) return;
      await storage.transaction(async (work) => {
        for (const { id, rolloutId } of open) {
          await apply(work, rolloutId, async () => {
            const row = (await openToCheckIn(work.db, deviceId)).find((each) => each.id === id);
            return row && { type: "checked-in", deployment: snapshotOf(row, row.newestOffered), evidence };
          });
        }
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
      return storage.transaction(async (work) => {
        const found = await work.db
          .selectFrom("deployments")
          .select("rolloutId")
          .where("id", "=", report.deployment)
          .where("deviceId", "=", deviceId)
          .executeTakeFirst();
        if (found === undefined) return "the device has no such deployment";
        const changes = await apply(work, found.rolloutId, async () => {
          const row = await deploymentRow(work.db, report.deployment);
          if (row.finishedAt !== null && isFinal(deploymentStateOf(row.state)) && row.state === state) return undefined;
          return { type: "reported", deployment: snapshotOf(row), attempt, state, code, done, total };
        });
        return changes?.refused;
      });
    },

    deviceRevoked: (work, deviceId) => giveUp(options.engineRoom, work, deviceId),

    async tick() {
      const late = await lateDeployments(storage.db, clock.steadyMs(), options.brake.stop !== undefined);
      for (const { id, rolloutId, state } of late) {
        await storage.transaction((work) =>
          apply(work, rolloutId, async () => ({
            type: state === "unreached" ? "late-offers-end" : "deadline-passed",
            deployment: snapshotOf(await deploymentRow(work.db, id)),
          })),
        );
      }
      await endSoaks(storage, options.engineRoom, clock.steadyMs());
      if (options.brake.stop === undefined) await passOverAway(storage, options.engineRoom, options.presence);
    },
  };
}
