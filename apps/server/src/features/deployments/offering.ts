// What a device should do now. Nothing is decided once and acted on much later: whether an offer
// is right is asked when it is made.

import type { RunningSlot, TrustRelation } from "@flipside/api/types";
import type { OfferedDeployment } from "@flipside/protocol/server-messages";
import type { Clock } from "../../clock.ts";
import { waveIsOpen } from "../../domain/snapshots.ts";
import type { DeploymentRow, DeviceRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { ImageStore } from "../releases/image-store.ts";
import type { Trust } from "../trust/trust.ts";
import type { EngineRoom } from "./engine-room.ts";
import type { Memory } from "./memory.ts";
import { deploymentRow, type KnownDeployment, snapshotOf } from "./store.ts";

export interface Offering {
  /** What the device should do now. Makes a queued deployment an offered one when it is due. */
  offerFor(deviceId: string): Promise<OfferedDeployment | undefined>;
}

export function runsConfirmed(device: DeviceRow, digest: string): boolean {
  if (device.running === null) return false;
  const running = JSON.parse(device.running) as RunningSlot;
  return running.digest === digest && running.state === "confirmed";
}

/** It has a record that this server does not know: what would be offered may go back behind it. */
const knowsMore = (relation: TrustRelation): boolean => relation === "ahead" || relation === "forked";

export function createOffering(options: {
  storage: Storage;
  engineRoom: EngineRoom;
  memory: Memory;
  trust: Pick<Trust, "version" | "verdict" | "relation">;
  images: Pick<ImageStore, "stateOf">;
  clock: Clock;
}): Offering {
  const { storage, memory, trust, images, clock } = options;

  /** The first of these that is due, offered by now. */
  async function firstDue(
    device: DeviceRow,
    queued: KnownDeployment[],
    isStranger: boolean,
  ): Promise<DeploymentRow | undefined> {
    for (const { id, rolloutId, wave, digest } of queued) {
      if (!waveIsOpen(await memory.rollout(rolloutId), wave) || images.stateOf(digest) !== "present") continue;
      const alreadyConfirmed = runsConfirmed(device, digest);
      // Until the device has the trust record that admits it, it would only be rejected.
      if (!alreadyConfirmed && (isStranger || trust.verdict(digest, device.trustVersion) !== "offer")) continue;
      const row = await storage.transaction(async (work) => {
        await options.engineRoom.apply(work, rolloutId, async () => ({
          type: "offer-due",
          deployment: snapshotOf(await deploymentRow(work.db, id)),
          alreadyConfirmed,
        }));
        return deploymentRow(work.db, id);
      });
      // It may have been paused or cancelled in the meantime.
      if (!alreadyConfirmed && row.state !== "queued" && row.finishedAt === null) return row;
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
      const open = (await memory.deployments(deviceId)).filter(({ finishedAt }) => finishedAt === null);
      if (open.length === 0) return undefined;
      const device = await memory.device(deviceId);
      if (device === null || device.revokedAt !== null) return undefined;
      const isStranger = knowsMore(trust.relation(device.trustVersion, device.trustDigest));
      // While a candidate is on trial, whose deployment was given up here, nothing else may be begun.
      const onTrial = device.running !== null && (JSON.parse(device.running) as RunningSlot).state === "candidate";
      const active: DeploymentRow | undefined =
        open.find((row) => row.state !== "queued") ?? (onTrial ? undefined : await firstDue(device, open, isStranger));
      if (active === undefined || isStranger || !isServed(active.digest)) return undefined;
      const image = await memory.image(active.digest);
      return {
        deployment: active.id,
        attempt: active.attempt,
        sizeBytes: image.sizeBytes,
        header: image.header,
        signatures: image.signatureBlock,
        ...(await permitFor(active, deviceId)),
        deadlineMs: Math.max(1, (active.deadlineAt ?? 0) - clock.steadyMs()),
      };
    },
  };
}
