// What time alone changes: deadlines pass, a wave has been watched for long enough, devices turn out to be away. Events
// for the engine.

import type { DeploymentStateName } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { abandonable } from "../../domain/deployment-transitions.ts";
import { waitsOnly } from "../../domain/snapshots.ts";
import type { DeploymentRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { Presence } from "../device-records/presence.ts";
import type { Brake } from "./brake.ts";
import type { EngineRoom } from "./engine-room.ts";
import { deploymentRow, loadSnapshot, snapshotOf } from "./store.ts";

const deadlinesPerTick = 500;

export interface PassingTime {
  /** Looks at all of it now. */
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

/** Times out, sets aside or gives up what is past its deadline. */
async function endLate(storage: Storage, { apply }: EngineRoom, now: number, isStopped: boolean): Promise<void> {
  for (const { id, rolloutId, state } of await lateDeployments(storage.db, now, isStopped)) {
    await storage.transaction((work) =>
      apply(work, rolloutId, async () => ({
        type: state === "unreached" ? "late-offers-expired" : "deadline-passed",
        deployment: snapshotOf(await deploymentRow(work.db, id)),
      })),
    );
  }
}

export function createPassingTime({
  storage,
  engineRoom,
  presence,
  brake,
  clock,
}: {
  storage: Storage;
  engineRoom: EngineRoom;
  presence: Presence;
  brake: Brake;
  clock: Clock;
}): PassingTime {
  return {
    async tick() {
      const isStopped = brake.stop !== undefined;
      await endLate(storage, engineRoom, clock.steadyMs(), isStopped);
      await endSoaks(storage, engineRoom, clock.steadyMs());
      if (!isStopped) await passOverAway(storage, engineRoom, presence);
    },
  };
}
