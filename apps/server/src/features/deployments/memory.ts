// What is asked at every message of a device, kept from one message to the next: its row, its deployments, their
// rollouts and images. A change of any of it, told by the feed, makes that it is read anew.
//
// Decisions don't rest on it: what changes something is read again in its transaction, behind a lock.

import { createHash } from "node:crypto";
import type { DeploymentStateName } from "@flipside/image-format";
import type { Feed } from "../../changes/feed.ts";
import { Memo } from "../../changes/memo.ts";
import type { DeploymentRow, DeviceRow, ImageRow, ReleaseRow, RolloutRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import { findDevice } from "../device-records/store.ts";
import { isOpenToCheckIn, type KnownDeployment, openToCheckIn, rolledBackImages, rolloutRow } from "./store.ts";

const devicesMax = 50_000;
const othersMax = 1_000;

/** What was rolled back is read of deployments in these states. */
const isOfRollBacks = ({ from, state }: { from: DeploymentStateName; state: DeploymentStateName }): boolean =>
  [from, state].some((each) => each === "rolled-back" || each === "confirmed");

/** Undefined: what the list holds, and in which order, may be another now. */
function withRow(known: readonly KnownDeployment[], row: DeploymentRow): readonly KnownDeployment[] | undefined {
  const before = known.find(({ id }) => id === row.id);
  if (before === undefined || before.offeredAt !== row.offeredAt) return undefined;
  const after = { ...row, isNewest: before.isNewest };
  return isOpenToCheckIn(after) ? known.map((each) => (each === before ? after : each)) : undefined;
}

export interface Memory {
  /** When it was last heard of is written without a word: not to be taken from here. */
  device(id: string): Promise<DeviceRow | null>;
  /** Open, given up, or its last one, confirmed; oldest first. */
  deployments(deviceId: string): Promise<readonly KnownDeployment[]>;
  /** Digests of images that it was given and rolled back, where no later deployment of them went otherwise. */
  rolledBack(deviceId: string): Promise<ReadonlySet<string>>;
  rollout(id: string): Promise<RolloutRow>;
  release(id: string): Promise<ReleaseRow>;
  image(digest: string): Promise<ImageRow>;
  /** The device's own before one for any. */
  permit(digest: string, deviceId: string): Promise<Buffer | null>;
  /** Another server had the device until now, and may have stored what has not been told here yet. */
  forgetDevice(id: string): void;
}

export function createMemory({ db }: Storage, feed: Feed): Memory {
  const devices = new Memo<DeviceRow | null>(async (id) => (await findDevice(db, id)) ?? null, devicesMax);
  const deployments = new Memo<readonly KnownDeployment[]>((deviceId) => openToCheckIn(db, deviceId), devicesMax);
  const rolledBack = new Memo<ReadonlySet<string>>((deviceId) => rolledBackImages(db, deviceId), devicesMax);
  const rollouts = new Memo<RolloutRow>((id) => rolloutRow(db, id), othersMax);
  const releases = new Memo<ReleaseRow>(
    (id) => db.selectFrom("releases").selectAll().where("id", "=", id).executeTakeFirstOrThrow(),
    othersMax,
  );
  const images = new Memo<ImageRow>(
    (digest) => db.selectFrom("images").selectAll().where("digest", "=", digest).executeTakeFirstOrThrow(),
    othersMax,
  );
  const permits = new Memo<Buffer | null>(readPermit, devicesMax);

  async function readPermit(key: string): Promise<Buffer | null> {
    const [digest, deviceId] = key.split(" ") as [string, string];
    const deviceHash = createHash("sha256").update(deviceId).digest("hex");
    const row = await db
      .selectFrom("permits")
      .select("permit")
      .where("digest", "=", digest)
      .where("deviceHash", "in", [deviceHash, ""])
      .orderBy("deviceHash", "desc")
      .executeTakeFirst();
    return row?.permit ?? null;
  }

  // The first to follow: whoever acts on a change asks here.
  feed.follow((change, position) => {
    switch (change.kind) {
      case "device":
        // Announced is what no row says.
        if (position !== undefined) devices.forget(change.id);
        return;
      case "deployment":
        if (!("deviceId" in change)) return;
        deployments.change(change.deviceId, (known) => change.row && withRow(known, change.row));
        if (change.deleted || (change.moved !== undefined && isOfRollBacks(change.moved)))
          rolledBack.forget(change.deviceId);
        return;
      case "targets":
        if (change.deployments === undefined) deployments.forgetAll();
        for (const { deviceId } of change.deployments ?? []) deployments.forget(deviceId);
        return;
      case "rollout":
        if (change.countsOnly !== true) rollouts.forget(change.id);
        if (change.othersDue === "many") deployments.forgetAll();
        // Their deadlines have changed.
        for (const deviceId of change.due ?? []) deployments.forget(deviceId);
        return;
      case "anything":
        for (const memo of [devices, deployments, rolledBack, rollouts]) memo.forgetAll();
        releases.forgetAll();
        images.forgetAll();
        permits.forgetAll();
        return;
      case "release":
      case "images-mended":
        releases.forgetAll();
        images.forgetAll();
        permits.forgetAll();
    }
  });

  return {
    device: (id) => devices.of(id),
    deployments: (deviceId) => deployments.of(deviceId),
    rolledBack: (deviceId) => rolledBack.of(deviceId),
    rollout: (id) => rollouts.of(id),
    release: (id) => releases.of(id),
    image: (digest) => images.of(digest),
    permit: (digest, deviceId) => permits.of(`${digest} ${deviceId}`),
    forgetDevice(id) {
      for (const memo of [devices, deployments, rolledBack]) memo.forget(id);
    },
  };
}
