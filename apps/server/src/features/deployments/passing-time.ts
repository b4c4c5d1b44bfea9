// What time alone changes: deadlines pass, a wave has been watched for long enough, devices turn out to be away. Events
// for the engine.

import type { DeploymentStateName } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { abandonable } from "../../domain/deployment-transitions.ts";
import { waitsOnly } from "../../domain/snapshots.ts";
import type { DeploymentRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import type { DownloadSlots } from "../chunk-delivery/download-slots.ts";
import { devicesInConflict } from "../device-records/board-trail.ts";
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
  /** Deployments that one transaction sets aside. */
  pieceMax: number;
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

/** The next that wait in the present wave, in their order, after this position. */
function nextWaiting(
  db: Queries,
  { id, currentWave }: Pick<RolloutRow, "id" | "currentWave">,
  after: number,
  most: number,
): Promise<DeploymentRow[]> {
  return db
    .selectFrom("deployments")
    .selectAll()
    .where("rolloutId", "=", id)
    .where("state", "=", "queued")
    .where("wave", "=", currentWave)
    .where("position", ">", after)
    .orderBy("position")
    .limit(most)
    .execute();
}

/**
 * Rollouts whose present wave has nothing under way, and waits for devices that are away. There may be very many: they
 * are looked at, and set aside, a piece at a time.
 */
async function passOverAway({ storage, engineRoom, presence, pieceMax, clock }: Options): Promise<void> {
  let inConflict: ReadonlySet<string> = new Set();
  /** One that two boards say they are is waited for no more than one that is away. */
  const areAway = (rows: DeploymentRow[]): boolean =>
    rows.every(({ deviceId }) => presence.isAway(deviceId) || inConflict.has(deviceId));

  async function allAreAway(row: RolloutRow): Promise<boolean> {
    for (let after = 0; ; await turnOfTheLoop()) {
      const rows = await nextWaiting(storage.db, row, after, pieceMax);
      if (!areAway(rows)) return false;
      if (rows.length < pieceMax) return true;
      after = rows.at(-1)!.position;
    }
  }

  /** Whether there may be more. `before`: set aside so far. */
  const setAside = (row: RolloutRow, before: number): Promise<number> =>
    storage.transaction(async (work) => {
      let count = 0;
      await engineRoom.apply(work, row.id, async () => {
        const away = await nextWaiting(work.db, row, 0, pieceMax);
        if (away.length === 0 || !areAway(away)) return undefined;
        const { waves } = await loadSnapshot(work.db, row);
        const others = waves[row.currentWave]!.waiting - away.length;
        count = others > 0 ? away.length : 0;
        return { type: "others-away", away: away.map((each) => snapshotOf(each)), before, others };
      });
      return count;
    });

  const running = await storage.db.selectFrom("rollouts").selectAll().where("state", "=", "running").execute();
  for (const row of running) {
    if (!waitsOnly(await loadSnapshot(storage.db, row))) continue;
    inConflict = await devicesInConflict(storage.db, clock.steadyMs());
    if (!(await allAreAway(row))) continue;
    let before = 0;
    for (let count = await setAside(row, before); count > 0; count = await setAside(row, before)) {
      before += count;
      await turnOfTheLoop();
    }
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
  const { storage, engineRoom, brake, clock } = options;
  return {
    async tick() {
      const isStopped = brake.stop !== undefined;
      await endLate(options, clock.steadyMs(), isStopped);
      await openGates(storage, engineRoom, clock.steadyMs());
      if (!isStopped) await passOverAway(options);
    },
  };
}
