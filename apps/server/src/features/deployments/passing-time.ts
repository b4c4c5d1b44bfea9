// What time alone changes: deadlines pass, a wave has been watched for long enough, devices turn out to be away. Events
// for the engine.

import type { DeploymentStateName } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { abandonable } from "../../domain/deployment-transitions.ts";
import { waitsOnly } from "../../domain/snapshots.ts";
import type { DeploymentRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { DownloadSlots } from "../chunk-delivery/download-slots.ts";
import type { Presence } from "../device-records/presence.ts";
import type { Brake } from "./brake.ts";
import type { EngineRoom } from "./engine-room.ts";
import type { Hindrances } from "./hindrances.ts";
import type { Memory } from "./memory.ts";
import { deploymentRow, loadSnapshot, rulesOf, snapshotOf } from "./store.ts";

const deadlinesPerTick = 500;

export interface PassingTime {
  /** Looks at all of it now. */
  tick(): Promise<void>;
}

interface Options {
  storage: Storage;
  engineRoom: EngineRoom;
  memory: Memory;
  hindrances: Hindrances;
  slots: Pick<DownloadSlots, "mayTake">;
  presence: Presence;
  brake: Brake;
  clock: Clock;
}

/** Those that are past their deadline, as far as one round takes; `isStopped`: that of offers stands still. */
function lateDeployments(
  db: Queries,
  now: number,
  isStopped: boolean,
): Promise<{ id: string; rolloutId: string; deviceId: string; state: DeploymentStateName }[]> {
  return (
    db
      .selectFrom("deployments")
      .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
      .select(["deployments.id", "deployments.rolloutId", "deployments.deviceId", "deployments.state"])
      .where("deployments.finishedAt", "is", null)
      .where("deployments.deadlineAt", "is not", null)
      .where("deployments.deadlineAt", "<=", now)
      // It is about to get another one.
      .where("rollouts.sweeps", "is", null)
      // Those that wait in a paused rollout keep their place; they get a new deadline when it is resumed.
      .where((q) => q.or([q("deployments.state", "<>", "queued"), q("rollouts.state", "=", "running")]))
      .$if(isStopped, (q) => q.where("deployments.state", "not in", ["queued", ...abandonable]))
      .limit(deadlinesPerTick)
      .execute()
  );
}

/** Rollouts of which a wave has been watched for long enough, or whose next wave waits for a time. */
async function openGates(storage: Storage, { apply }: EngineRoom, now: number): Promise<void> {
  const due = await storage.db
    .selectFrom("rollouts")
    .select("id")
    .where("state", "=", "running")
    // The wall clock, which a start time is of, may be set meanwhile: that one is asked each time.
    .where((q) => q.or([q.and([q("soakUntil", "<=", now), q("heldFor", "is", null)]), q("heldFor", "=", "start-time")]))
    .execute();
  for (const { id } of due) await storage.transaction((work) => apply(work, id, async () => ({ type: "time-passed" })));
}

/** Rollouts whose present wave has nothing under way, and waits for devices that are away. */
async function passOverAway(storage: Storage, { apply }: EngineRoom, presence: Presence): Promise<void> {
  const running = await storage.db.selectFrom("rollouts").selectAll().where("state", "=", "running").execute();
  for (const row of running) {
    if (!waitsOnly(await loadSnapshot(storage.db, row))) continue;
    const waiting = (db: Queries): Promise<DeploymentRow[]> =>
      db
        .selectFrom("deployments")
        .selectAll()
        .where("rolloutId", "=", row.id)
        .where("wave", "=", row.currentWave)
        .where("state", "=", "queued")
        .execute();
    const areAway = (rows: DeploymentRow[]): boolean => rows.every(({ deviceId }) => presence.isAway(deviceId));
    if (!areAway(await waiting(storage.db))) continue;
    await storage.transaction((work) =>
      apply(work, row.id, async () => {
        const away = await waiting(work.db);
        return areAway(away) ? { type: "others-away", away: away.map((each) => snapshotOf(each)) } : undefined;
      }),
    );
  }
}

/** Whether a device that waits is there, and nothing but its rollout's rules keeps the offer from it. */
async function isHeldBack(
  { memory, hindrances, presence, slots }: Options,
  deviceId: string,
  id: string,
): Promise<boolean> {
  const device = await memory.device(deviceId);
  if (device === null || presence.isAway(deviceId)) return false;
  const known = await memory.deployments(deviceId);
  const row = known.find((each) => each.id === id);
  if (row === undefined) return false;
  const { underWayMax, rate } = rulesOf(await memory.rollout(row.rolloutId))[row.wave]!;
  const hindrance = await hindrances.of(device, row, known);
  if (hindrance !== undefined) return hindrance.isHeldBack === true;
  return underWayMax !== null || rate !== null || !slots.mayTake(deviceId);
}

/** Times out, sets aside or gives up what is past its deadline. */
async function endLate(options: Options, now: number, isStopped: boolean): Promise<void> {
  const { storage, engineRoom } = options;
  for (const { id, rolloutId, deviceId, state } of await lateDeployments(storage.db, now, isStopped)) {
    const heldBack = state === "queued" && (await isHeldBack(options, deviceId, id));
    await storage.transaction((work) =>
      engineRoom.apply(work, rolloutId, async () => {
        const deployment = snapshotOf(await deploymentRow(work.db, id));
        return state === "unreached"
          ? { type: "late-offers-expired", deployment }
          : { type: "deadline-passed", deployment, isHeldBack: heldBack };
      }),
    );
  }
}

export function createPassingTime(options: Options): PassingTime {
  const { storage, engineRoom, presence, brake, clock } = options;
  return {
    async tick() {
      const isStopped = brake.stop !== undefined;
      await endLate(options, clock.steadyMs(), isStopped);
      await openGates(storage, engineRoom, clock.steadyMs());
      if (!isStopped) await passOverAway(storage, engineRoom, presence);
    },
  };
}
