// What a device should do now. Nothing is decided once and acted on much later: whether an offer is right is asked each
// time that it is made, from what the device runs then.
//
// A device has one active deployment. Of those that wait, an urgent rollout's comes first, then the newest rollout's;
// an urgent one also overtakes one that is not past its point of no return. What a device needs no more, since it runs
// something newer or a later rollout has updated it, is cancelled, and the rollout's decisions say why.

import type { OfferedDeployment } from "@flipside/protocol/server-messages";
import type { Clock } from "../../clock.ts";
import { isAbandonable, isWaiting } from "../../domain/deployment-transitions.ts";
import type { DeploymentRow, DeviceRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { ImageStore } from "../releases/image-store.ts";
import type { Trust } from "../trust/trust.ts";
import type { DownloadSlots } from "../chunk-delivery/download-slots.ts";
import { runningOf } from "../device-records/store.ts";
import type { Brake } from "./brake.ts";
import type { EngineRoom } from "./engine-room.ts";
import { type Hindrances, isOnTrial, isStranger, runsConfirmed } from "./hindrances.ts";
import type { Memory } from "./memory.ts";
import { deploymentRow, type KnownDeployment, snapshotOf } from "./store.ts";
import type { Together } from "./together.ts";

export interface Offering {
  /** What the device should do now. Makes a queued deployment an offered one when it is due. */
  offerFor(deviceId: string): Promise<OfferedDeployment | undefined>;
}

export function createOffering(options: {
  storage: Storage;
  engineRoom: Pick<EngineRoom, "apply">;
  together: Together;
  memory: Memory;
  hindrances: Hindrances;
  trust: Pick<Trust, "verdict" | "relation">;
  images: Pick<ImageStore, "stateOf">;
  slots: Pick<DownloadSlots, "take" | "free">;
  brake: Brake;
  clock: Clock;
}): Offering {
  const { storage, memory, hindrances, trust, images, slots, brake, clock } = options;

  async function supersede({ id, rolloutId }: KnownDeployment, why: string): Promise<void> {
    await storage.transaction((work) =>
      options.engineRoom.apply(work, rolloutId, async () => ({
        type: "superseded",
        deployment: snapshotOf(await deploymentRow(work.db, id)),
        why,
      })),
    );
  }

  /** The first of these that is due, offered by now. */
  async function firstDue(device: DeviceRow, known: readonly KnownDeployment[]): Promise<DeploymentRow | undefined> {
    for (const queued of await hindrances.inTurn(known)) {
      const { id, rolloutId, digest } = queued;
      const hindrance = await hindrances.of(device, queued, known);
      if (hindrance?.isFinal) await supersede(queued, hindrance.why);
      if (hindrance !== undefined) continue;
      const alreadyConfirmed = runsConfirmed(device, digest);
      if (!alreadyConfirmed && !slots.take(device.id, (await memory.rollout(rolloutId)).urgent)) continue;
      const applied = await options.together.apply(rolloutId, async (db) => ({
        type: "offer-due",
        deployment: snapshotOf(await deploymentRow(db, id)),
        alreadyConfirmed,
        runs: runningOf(device)?.digest ?? null,
      }));
      const row = applied?.rows.get(id) ?? (await deploymentRow(storage.db, id));
      // It may have been paused or cancelled in the meantime.
      if (!alreadyConfirmed && !isWaiting(row.state) && row.finishedAt === null) return row;
      slots.free(device.id);
    }
    return undefined;
  }

  /** The deployment that the device is at, unless it is to give it up for something better. */
  async function stillActive(device: DeviceRow, known: readonly KnownDeployment[]): Promise<DeploymentRow | undefined> {
    const active = known.find((row) => row.finishedAt === null && !isWaiting(row.state));
    if (active === undefined || !isAbandonable(active.state)) return active;
    const wrong = (await hindrances.needless(device, active, known))?.why ?? (await overtakenBy(device, active, known));
    if (wrong === undefined) return active;
    await supersede(active, wrong);
    return undefined;
  }

  /**
   * Past its point of no return, and yet the device runs something newer: after a restore from a backup. It is waited
   * for what the device shows, or the deadline; offered once more it would take the device back.
   */
  const isBehind = async (device: DeviceRow, active: DeploymentRow, known: readonly KnownDeployment[]) => {
    const row = known.find(({ id }) => id === active.id);
    return row !== undefined && (await hindrances.needless(device, row, known)) !== undefined;
  };

  async function overtakenBy(
    device: DeviceRow,
    active: KnownDeployment,
    known: readonly KnownDeployment[],
  ): Promise<string | undefined> {
    if ((await memory.rollout(active.rolloutId)).urgent) return undefined;
    for (const row of await hindrances.inTurn(known)) {
      const { urgent, name } = await memory.rollout(row.rolloutId);
      if (urgent && (await hindrances.of(device, row, known)) === undefined)
        return `is wanted by an urgent rollout (${name})`;
    }
    return undefined;
  }

  const isServed = (digest: string): boolean =>
    trust.verdict(digest, null) !== "revoked" && images.stateOf(digest) === "present";

  /** Only where the rollout wants an older image. */
  async function permitFor({ rolloutId, digest }: DeploymentRow, deviceId: string): Promise<{ permit?: Uint8Array }> {
    if (!(await memory.rollout(rolloutId)).allowOlder) return {};
    const permit = await memory.permit(digest, deviceId);
    return permit === null ? {} : { permit };
  }

  return {
    async offerFor(deviceId) {
      if (brake.stop !== undefined) return undefined;
      const known = await memory.deployments(deviceId);
      if (known.every(({ finishedAt }) => finishedAt !== null)) return undefined;
      const device = await memory.device(deviceId);
      if (device === null || device.revokedAt !== null) return undefined;
      const active =
        (await stillActive(device, known)) ?? (isOnTrial(device) ? undefined : await firstDue(device, known));
      if (active === undefined || isStranger(trust, device) || !isServed(active.digest)) return undefined;
      if (!isAbandonable(active.state) && (await isBehind(device, active, known))) return undefined;
      const image = await memory.image(active.digest);
      const permit = await permitFor(active, deviceId);
      // It may have come meanwhile.
      if (brake.stop !== undefined) return undefined;
      return {
        deployment: active.id,
        attempt: active.attempt,
        sizeBytes: image.sizeBytes,
        header: image.header,
        signatures: image.signatureBlock,
        ...permit,
        deadlineMs: Math.max(1, (active.deadlineAt ?? 0) - clock.steadyMs()),
      };
    },
  };
}
