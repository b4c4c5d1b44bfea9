// What a rollout would meet, asked before it is made; nothing is stored. The plan is the one that creation would make.

import { createHash } from "node:crypto";
import { imageFor, runsNewer } from "@flipside/api/release-fit";
import { filterOf } from "@flipside/api/rollout-arithmetic";
import type { CompleteNewRollout as NewRollout, Misfit, Preflight, Rejection } from "@flipside/api/types";
import { readHeader } from "@flipside/image-format";
import { isWaiting } from "../../domain/deployment-transitions.ts";
import { problemsOf } from "../../domain/preflight.ts";
import { isoOrNull } from "../../identifiers.ts";
import type { DeviceRow, ImageRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Brake } from "../deployments/brake.ts";
import { isOnTrial, isStranger, runsConfirmed } from "../deployments/hindrances.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import { asksForPermits, holdsConfirmed, runningOf } from "../device-records/store.ts";
import type { Trust } from "../trust/trust.ts";
import { type NewRolloutOptions, type Plan, planRollout, refusalOfFiles } from "./new-rollout.ts";
import type { ScopedRequest } from "./stored-request.ts";
import { shownFor, someOf } from "./some-of.ts";

export type PreflightOptions = NewRolloutOptions & {
  trust: Pick<Trust, "relation">;
  lastSeen: Pick<LastSeen, "pending">;
  brake: Brake;
};

/** A device of the plan, beside its image. */
export interface Planned {
  device: DeviceRow;
  image: ImageRow;
  isThere: boolean;
  isAway: boolean;
}

export function plannedOf(
  { devices, images }: Pick<Plan, "devices" | "images">,
  { presence }: PreflightOptions,
): Planned[] {
  return devices.map((device) => {
    const image = imageFor(images, device)!;
    const isThere = runsConfirmed(device, image.digest);
    return { device, image, isThere, isAway: !isThere && presence.isAway(device.id) };
  });
}

function wavesOf(
  planned: readonly Planned[],
  { waveTotals }: Plan,
  { waves }: Pick<NewRollout, "waves">,
): Preflight["waves"] {
  let from = 0;
  return waveTotals.map((total, index) => {
    const wave = planned.slice(from, (from += total));
    return {
      index,
      total,
      filter: filterOf(waves[index] ?? { percent: 100 }) ?? null,
      alreadyThere: wave.filter(({ isThere }) => isThere).length,
      offline: wave.filter(({ isAway }) => isAway).length,
    };
  });
}

export function offlineOf(planned: readonly Planned[], { lastSeen }: PreflightOptions): Preflight["offline"] {
  const away = planned
    .filter(({ isAway }) => isAway)
    .map(({ device: { id, lastSeenAt } }) => ({ deviceId: id, at: lastSeen.pending(id) ?? lastSeenAt }));
  const longest = away.reduce<(typeof away)[number] | undefined>(
    (first, each) => (first === undefined || (each.at ?? 0) < (first.at ?? 0) ? each : first),
    undefined,
  );
  return {
    count: away.length,
    longest: longest === undefined ? null : { deviceId: longest.deviceId, lastSeenAt: isoOrNull(longest.at) },
  };
}

export const rejectionOrder: readonly Rejection[] = ["security-floor", "loader-too-old", "no-permit"];

/** Who would reject the image, by the rules that devices go by (docs/protocol.md), as far as the server knows them. */
export async function rejectionsOf(
  db: Queries,
  { release, images }: Pick<Plan, "release" | "images">,
  planned: readonly Planned[],
): Promise<Preflight["wouldReject"]> {
  const loaderMin = new Map(images.map(({ digest, header }) => [digest, readHeader(header).loaderVersionMin]));
  const permits = await db
    .selectFrom("permits")
    .select(["digest", "deviceHash"])
    .where(
      "digest",
      "in",
      images.map(({ digest }) => digest),
    )
    .execute();
  const permitted = new Set(permits.map(({ digest, deviceHash }) => `${digest} ${deviceHash}`));
  // The other slot's confirmed image is gone back to without a permit.
  const mayGoBack = ({ device, image: { digest } }: Planned): boolean =>
    !asksForPermits(device) ||
    holdsConfirmed(device, digest) ||
    permitted.has(`${digest} `) ||
    permitted.has(`${digest} ${createHash("sha256").update(device.id).digest("hex")}`);
  const rejects: Record<Rejection, (each: Planned) => boolean> = {
    "security-floor": ({ device, image }) => image.securityCounter < (device.securityFloor ?? 0),
    "loader-too-old": ({ device, image }) => (device.loaderVersion ?? Infinity) < loaderMin.get(image.digest)!,
    "no-permit": (each) => runsNewer(runningOf(each.device), release) && !mayGoBack(each),
  };
  const rejecting = (reason: Rejection): string[] =>
    planned.filter((each) => !each.isThere && rejects[reason](each)).map(({ device }) => device.id);
  return rejectionOrder.map((reason) => shownFor(reason, someOf(rejecting(reason)))).filter(({ count }) => count > 0);
}

export type OtherRollout = Preflight["otherRollouts"][number] & { createdAt: number };

const idsAtATime = 500;

/** Rollouts in which devices of the plan are still open, counted into `rollouts`. */
export async function countOtherRollouts(
  db: Queries,
  planned: readonly Planned[],
  rollouts: Map<string, OtherRollout>,
): Promise<void> {
  for (let at = 0; at < planned.length; at += idsAtATime) {
    const open = await db
      .selectFrom("deployments")
      .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
      .select(["deployments.state", "rollouts.id", "rollouts.name", "rollouts.urgent", "rollouts.createdAt"])
      .where(
        "deployments.deviceId",
        "in",
        planned.slice(at, at + idsAtATime).map(({ device }) => device.id),
      )
      .where("deployments.finishedAt", "is", null)
      .execute();
    for (const { state, ...rollout } of open) {
      const counted = rollouts.get(rollout.id) ?? { ...rollout, waiting: 0, underWay: 0 };
      if (isWaiting(state)) counted.waiting++;
      else counted.underWay++;
      rollouts.set(rollout.id, counted);
    }
  }
}

/** Newest first. */
export const otherRolloutsIn = (rollouts: ReadonlyMap<string, OtherRollout>): Preflight["otherRollouts"] =>
  [...rollouts.values()]
    .sort((one, other) => other.createdAt - one.createdAt)
    .map(({ createdAt: _, ...rollout }) => rollout);

async function otherRolloutsOf(db: Queries, planned: readonly Planned[]): Promise<Preflight["otherRollouts"]> {
  const rollouts = new Map<string, OtherRollout>();
  await countOtherRollouts(db, planned, rollouts);
  return otherRolloutsIn(rollouts);
}

/** Throws ApiError when there is no such release, or the target is a filter that can't be read. */
export async function preflight(options: PreflightOptions, request: ScopedRequest, by: string): Promise<Preflight> {
  const { db } = options.storage;
  const plan = await planRollout(options, db, request, by);
  const refusals = [...(await refusalOfFiles(options, request.releaseId)), ...plan.refusals];
  const planned = plannedOf(plan, options);
  const toUpdate = planned.filter(({ isThere }) => !isThere);
  const numbers = {
    matched: plan.targets.matched,
    chosen: planned.length,
    leftOut: [...plan.targets.misfits].map(([reason, candidates]) =>
      shownFor<Misfit>(reason, someOf(candidates.map(({ id }) => id))),
    ),
    alreadyThere: planned.length - toUpdate.length,
    newer: toUpdate.filter(({ device }) => runsNewer(runningOf(device), plan.release)).length,
    offline: offlineOf(planned, options),
    wouldReject: await rejectionsOf(db, plan, planned),
    otherRollouts: await otherRolloutsOf(db, toUpdate),
    waves: wavesOf(planned, plan, request),
  };
  const problems = problemsOf(numbers, {
    refusals,
    stop: options.brake.stop,
    strangers: toUpdate.filter(({ device }) => isStranger(options.trust, device)).length,
    onTrial: toUpdate.filter(({ device }) => isOnTrial(device)).length,
    urgent: request.urgent,
    supersedes: request.supersedes,
    order: request.order,
  });
  return { ...numbers, problems };
}
