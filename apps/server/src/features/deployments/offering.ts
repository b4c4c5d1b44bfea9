// What a device should do now. Nothing is decided once and acted on much later: whether an offer is right is asked each
// time that it is made, from what the device runs then.
//
// A device has one active deployment. Of those that wait, an urgent rollout's comes first, then the newest rollout's;
// an urgent one also overtakes one that is not past its point of no return. What a device needs no more, since it runs
// something newer or a later rollout has updated it, is cancelled, and the rollout's decisions say why.

import { runsNewer } from "@flipside/api/release-fit";
import type { RunningSlot, TrustRelation } from "@flipside/api/types";
import type { OfferedDeployment } from "@flipside/protocol/server-messages";
import type { Clock } from "../../clock.ts";
import { isAbandonable, isWaiting } from "../../domain/deployment-transitions.ts";
import { mayBeOffered } from "../../domain/snapshots.ts";
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

  /** Why this is no offer to make any more, in words that go on from the device's name; undefined: it is right. */
  async function wrongNow(
    device: DeviceRow,
    { rolloutId, position }: KnownDeployment,
    known: readonly KnownDeployment[],
  ) {
    const rollout = await memory.rollout(rolloutId);
    const release = await memory.release(rollout.releaseId);
    const running = device.running === null ? null : (JSON.parse(device.running) as RunningSlot);
    if (!rollout.allowOlder && runsNewer(running, release))
      return `runs ${running!.version ?? "a release"}, which is newer than ${release.version}`;
    const later = known.find((each) => each.newestOffered && each.state === "confirmed" && each.position > position);
    if (later === undefined || !runsConfirmed(device, later.digest)) return undefined;
    return `was updated by a later rollout (${(await memory.rollout(later.rolloutId)).name})`;
  }

  async function supersede({ id, rolloutId }: KnownDeployment, why: string): Promise<void> {
    await storage.transaction((work) =>
      options.engineRoom.apply(work, rolloutId, async () => ({
        type: "superseded",
        deployment: snapshotOf(await deploymentRow(work.db, id)),
        why,
      })),
    );
  }

  /** Urgent ones first, then the newest. */
  async function inTurn(waiting: readonly KnownDeployment[]): Promise<KnownDeployment[]> {
    const urgent = new Map<string, boolean>();
    for (const { rolloutId } of waiting) urgent.set(rolloutId, (await memory.rollout(rolloutId)).urgent);
    const rank = ({ rolloutId }: KnownDeployment): number => (urgent.get(rolloutId) ? 1 : 0);
    return [...waiting].sort((one, other) => rank(other) - rank(one) || other.position - one.position);
  }

  /** Whether it may be offered to this device as far as that does not depend on what the device runs. */
  async function isDue(device: DeviceRow, row: KnownDeployment, isStranger: boolean): Promise<boolean> {
    if (!mayBeOffered(await memory.rollout(row.rolloutId), row) || images.stateOf(row.digest) !== "present")
      return false;
    // Until the device has the trust record that admits it, it would only be rejected.
    return (
      runsConfirmed(device, row.digest) || (!isStranger && trust.verdict(row.digest, device.trustVersion) === "offer")
    );
  }

  /** The first of these that is due, offered by now. */
  async function firstDue(
    device: DeviceRow,
    known: readonly KnownDeployment[],
    isStranger: boolean,
  ): Promise<DeploymentRow | undefined> {
    for (const queued of await inTurn(known.filter(({ state }) => isWaiting(state)))) {
      const { id, rolloutId, digest } = queued;
      if (!(await isDue(device, queued, isStranger))) continue;
      const alreadyConfirmed = runsConfirmed(device, digest);
      const wrong = alreadyConfirmed ? undefined : await wrongNow(device, queued, known);
      if (wrong !== undefined) {
        await supersede(queued, wrong);
        continue;
      }
      const row = await storage.transaction(async (work) => {
        await options.engineRoom.apply(work, rolloutId, async () => ({
          type: "offer-due",
          deployment: snapshotOf(await deploymentRow(work.db, id)),
          alreadyConfirmed,
        }));
        return deploymentRow(work.db, id);
      });
      // It may have been paused or cancelled in the meantime.
      if (!alreadyConfirmed && !isWaiting(row.state) && row.finishedAt === null) return row;
    }
    return undefined;
  }

  /** The deployment that the device is at, unless it is to give it up for something better. */
  async function stillActive(
    device: DeviceRow,
    known: readonly KnownDeployment[],
    isStranger: boolean,
  ): Promise<DeploymentRow | undefined> {
    const active = known.find((row) => row.finishedAt === null && !isWaiting(row.state));
    if (active === undefined || !isAbandonable(active.state)) return active;
    const wrong = (await wrongNow(device, active, known)) ?? (await overtakenBy(device, active, known, isStranger));
    if (wrong === undefined) return active;
    await supersede(active, wrong);
    return undefined;
  }

  async function overtakenBy(
    device: DeviceRow,
    active: KnownDeployment,
    known: readonly KnownDeployment[],
    isStranger: boolean,
  ): Promise<string | undefined> {
    if ((await memory.rollout(active.rolloutId)).urgent) return undefined;
    for (const row of known) {
      if (!isWaiting(row.state)) continue;
      const { urgent, name } = await memory.rollout(row.rolloutId);
      if (urgent && (await isDue(device, row, isStranger)) && (await wrongNow(device, row, known)) === undefined)
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
      const known = await memory.deployments(deviceId);
      if (known.every(({ finishedAt }) => finishedAt !== null)) return undefined;
      const device = await memory.device(deviceId);
      if (device === null || device.revokedAt !== null) return undefined;
      const isStranger = knowsMore(trust.relation(device.trustVersion, device.trustDigest));
      // While a candidate is on trial, whose deployment was given up here, nothing else may be begun.
      const onTrial = device.running !== null && (JSON.parse(device.running) as RunningSlot).state === "candidate";
      const active =
        (await stillActive(device, known, isStranger)) ??
        (onTrial ? undefined : await firstDue(device, known, isStranger));
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
