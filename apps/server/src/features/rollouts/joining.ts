// Devices that come to match a rollout whose target is open join it: looked at when something of a device has changed,
// or it is here again, never by a look at the whole fleet.
//
// The newest of the open rollouts that means a device decides: it joins that one, and no older one. What would take it
// back it never joins, whatever the rollout allows those that it was made for.

import { imageFor, runsNewer } from "@flipside/api/release-fit";
import type { HealthSettings } from "@flipside/api/types";
import type { Feed } from "../../changes/feed.ts";
import type { Clock } from "../../clock.ts";
import type { Logger } from "../../logging.ts";
import { imagesOf } from "../releases/stored.ts";
import { newId } from "../../identifiers.ts";
import type { DeviceRow, ImageRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import { scopeIn } from "../../storage/stored-scope.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addFailures } from "../deployments/health-looks.ts";
import { runsConfirmed } from "../deployments/hindrances.ts";
import type { Memory } from "../deployments/memory.ts";
import { lockDevice, runningOf } from "../device-records/store.ts";
import type { Filtering } from "../devices/filtering.ts";
import { failedAlready } from "./health-limits.ts";

export interface Joining {
  /** What is begun is ended. */
  close(): Promise<void>;
}

export interface JoiningOptions {
  storage: Storage;
  engineRoom: EngineRoom;
  memory: Pick<Memory, "device">;
  filtering: Pick<Filtering, "among">;
  feed: Feed;
  clock: Pick<Clock, "wallMs">;
  log: Logger;
}

/** A rollout that may be joined, with its release. */
type Open = Pick<RolloutRow, "id" | "createdAt" | "targetFilter" | "scope" | "health"> & {
  product: string;
  releaseSequence: number;
  images: ImageRow[];
  /** Nobody joins it yet: who has come to match may be among those that it is made for. */
  isBeingMade: boolean;
};

/** Newest first. */
async function readOpen(db: Queries): Promise<Open[]> {
  const rows = await db
    .selectFrom("rollouts")
    .innerJoin("releases", "releases.id", "rollouts.releaseId")
    .select(["rollouts.id", "rollouts.createdAt", "rollouts.targetFilter"])
    .select(["rollouts.scope", "rollouts.health", "rollouts.preparing"])
    .select(["releases.id as releaseId", "releases.product", "releases.releaseSequence"])
    .where("rollouts.targetOpen", "=", true)
    .where("rollouts.state", "in", ["running", "paused"])
    .orderBy("rollouts.createdAt", "desc")
    .orderBy("rollouts.id")
    .execute();
  const open: Open[] = [];
  for (const { releaseId, preparing, ...row } of rows) {
    const images = await imagesOf(db, releaseId);
    open.push({ ...row, images, isBeingMade: preparing !== null });
  }
  return open;
}

type Fit = "there" | "joins" | "no";

/** What of the device would come of this rollout, if it meant it. */
function fitOf(device: DeviceRow, { product, images, releaseSequence }: Open): Fit {
  if (device.product !== product) return "no";
  const image = imageFor(images, device);
  if (image === undefined) return "no";
  if (runsConfirmed(device, image.digest)) return "there";
  return runsNewer(runningOf(device), { releaseSequence }) ? "no" : "joins";
}

/** The rollout has it already, or one of its product that was made later has, and has updated it or may do so. */
async function isTaken(db: Queries, deviceId: string, { id, createdAt, product }: Open): Promise<boolean> {
  const rows = await db
    .selectFrom("deployments")
    .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
    .innerJoin("releases", "releases.id", "rollouts.releaseId")
    .select(["deployments.rolloutId", "deployments.state", "deployments.finishedAt", "rollouts.createdAt"])
    .where("deployments.deviceId", "=", deviceId)
    .where("releases.product", "=", product)
    .execute();
  return rows.some(
    (row) =>
      row.rolloutId === id || (row.createdAt > createdAt && (row.finishedAt === null || row.state === "confirmed")),
  );
}

export function createJoining(options: JoiningOptions): Joining {
  const { storage, engineRoom, memory, filtering, feed, clock, log } = options;
  /** Undefined: to be read. */
  let open: Promise<Open[]> | undefined;
  const waiting = new Set<string>();
  /** Who matches one that is still being made: looked at again when it is whole. */
  const later = new Set<string>();
  /** A rollout has changed since they were looked at. */
  let isLaterDue = false;
  let looking: Promise<void> | undefined;
  let closed = false;

  /** Of the rollouts, newest first, the one that means the device; "later": it is still being made. */
  async function meantBy(db: Queries, device: DeviceRow, rollouts: Open[]): Promise<Open | "later" | undefined> {
    const fits = rollouts.map((rollout) => fitOf(device, rollout));
    // Nothing behind the last one that it could join matters.
    for (const [at, rollout] of rollouts.slice(0, fits.lastIndexOf("joins") + 1).entries()) {
      if (fits[at] === "no") continue;
      const { targetFilter } = rollout;
      const meant = await filtering.among(db, [device], targetFilter ?? "", "target.filter", scopeIn(rollout));
      if (meant.length === 0) continue;
      if (rollout.isBeingMade) return "later";
      return fits[at] === "joins" ? rollout : undefined;
    }
    return undefined;
  }

  async function join(work: Work, deviceId: string, rollouts: Open[]): Promise<void> {
    // Before the rollout's, as whoever revokes a device takes them. Behind it all filters are asked of one and the same
    // device: one that came to match between two of them would join the older rollout.
    const device = await lockDevice(work.db, deviceId);
    if (device === undefined || device.revokedAt !== null) return;
    const rollout = await meantBy(work.db, device, rollouts);
    if (rollout === undefined || rollout === "later") return;
    const image = imageFor(rollout.images, device)!;
    const applied = await engineRoom.apply(work, rollout.id, async () => {
      if (await isTaken(work.db, deviceId, rollout)) return undefined;
      const joiner = { id: newId(), deviceId, digest: image.digest, total: image.chunkCount };
      return { type: "device-joined", joiner };
    });
    if (applied === undefined || applied.joins.length === 0 || rollout.health === null) return;
    const health = JSON.parse(rollout.health) as HealthSettings;
    await addFailures(work.db, rollout.id, failedAlready(health, [device], clock.wallMs()));
  }

  async function look(deviceId: string): Promise<void> {
    const rollouts = await (open ??= readOpen(storage.db));
    if (rollouts.length === 0) return;
    const device = await memory.device(deviceId);
    if (device === null || device.revokedAt !== null || device.product === null) return;
    // Most devices are meant by none, and need no lock to be told so.
    const meant = await meantBy(storage.db, device, rollouts);
    if (meant === "later") later.add(deviceId);
    else if (meant !== undefined) await storage.transaction((work) => join(work, deviceId, rollouts));
  }

  async function trying(work: () => Promise<void>, deviceId?: string): Promise<void> {
    try {
      await work();
    } catch (error) {
      open = undefined;
      log.error({ err: error as Error, device: deviceId }, "it could not be seen which open rollouts a device is in");
    }
  }

  async function takeUpLater(): Promise<void> {
    const rollouts = await (open ??= readOpen(storage.db));
    if (rollouts.some(({ isBeingMade }) => isBeingMade)) return;
    for (const deviceId of later) waiting.add(deviceId);
    later.clear();
  }

  async function lookAtAll(): Promise<void> {
    do {
      if (isLaterDue && later.size > 0) await trying(takeUpLater);
      isLaterDue = false;
      for (const deviceId of waiting) {
        if (closed) return;
        waiting.delete(deviceId);
        await trying(() => look(deviceId), deviceId);
      }
    } while (isLaterDue && later.size > 0 && !closed);
  }

  feed.follow((change, _position, isOthers) => {
    const isOfRollouts =
      change.kind === "targets" || (change.kind === "rollout" && !("countsOnly" in change && change.countsOnly));
    if (isOfRollouts) {
      open = undefined;
      isLaterDue = true;
    }
    // What another server has stored it looks at itself; should it die, the device comes here, and is looked at then.
    const isOfDevice = change.kind === "device" && isOthers !== true;
    if (isOfDevice) waiting.add(change.id);
    if (closed || !(isOfDevice || (isOfRollouts && later.size > 0))) return;
    looking ??= lookAtAll().finally(() => {
      looking = undefined;
    });
  });

  return {
    async close() {
      closed = true;
      await looking;
    },
  };
}
