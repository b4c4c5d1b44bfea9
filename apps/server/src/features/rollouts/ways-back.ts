// What a roll-back gives to whom: the devices that a rollout has given another image, and for each the image that it
// came from, or why it can't have that.

import { newId } from "../../identifiers.ts";
import type { DeploymentRow, DeviceRow, ImageRow, RolloutRow } from "../../storage/schema.ts";
import { scopeIn } from "../../storage/stored-scope.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Memory } from "../deployments/memory.ts";
import { rulesOf } from "../deployments/store.ts";
import { asksForPermits, findDevices, holdsConfirmed, otherOf, runningOf } from "../device-records/store.ts";
import type { Trust } from "../trust/trust.ts";
import type { PlannedRow, Target } from "./insert-rollout.ts";

export const namesListedMax = 20;
/** The device may run the image already, or will. */
export const pastNoReturn: readonly DeploymentRow["state"][] = ["installed", "rebooting", "testing"];

/** Of whom a roll-back is: all of them, or those of a wave. */
export interface WhoGoesBack {
  wave?: number | undefined;
}

export interface WaysBackOptions {
  memory: Pick<Memory, "permit">;
  trust: Pick<Trust, "verdict">;
}

/** Those that the rollout has made an offer to. */
export const offeredBy = (db: Queries, rolloutId: string, { wave }: WhoGoesBack) =>
  db
    .selectFrom("deployments")
    .where("rolloutId", "=", rolloutId)
    .where("offeredAt", "is not", null)
    .$if(wave !== undefined, (q) => q.where("wave", "=", wave!));

interface Updated {
  deployment: DeploymentRow;
  device: DeviceRow;
}

/** Those that it has given another image, and that run it or are past their point of no return with it. */
async function updatedOf(db: Queries, rows: readonly DeploymentRow[]): Promise<Updated[]> {
  const devices = await findDevices(
    db,
    rows.map(({ deviceId }) => deviceId),
  );
  const updated: Updated[] = [];
  for (const deployment of rows) {
    const device = devices.get(deployment.deviceId);
    const isUpdated =
      device !== undefined &&
      device.revokedAt === null &&
      deployment.cameFrom !== deployment.digest &&
      (pastNoReturn.includes(deployment.state) || runningOf(device)?.digest === deployment.digest);
    if (isUpdated) updated.push({ deployment, device });
  }
  return updated;
}

type ImageOf = (digest: string) => Promise<ImageRow | undefined>;

/** The image that a device came from, or why it can't go back to it. */
async function wayBack(
  { memory, trust }: WaysBackOptions,
  imageOf: ImageOf,
  { deployment, device }: Updated,
): Promise<ImageRow | { why: string }> {
  const isThere = (digest: string): boolean => runningOf(device)?.digest === digest || holdsConfirmed(device, digest);
  const digest = deployment.cameFrom ?? otherOf(device)?.digest;
  if (digest === undefined) return { why: "it is not known what it came from" };
  const image = await imageOf(digest);
  if (image === undefined) return { why: "the image that it came from was never uploaded here" };
  if (trust.verdict(digest, device.trustVersion) !== "offer")
    return { why: "no key in force has signed the image that it came from" };
  if (device.securityFloor !== null && image.securityCounter < device.securityFloor)
    return {
      why: `its floor is ${device.securityFloor}, and the image that it came from has security counter ${image.securityCounter}`,
    };
  if (!isThere(digest) && asksForPermits(device) && (await memory.permit(digest, device.id)) === null)
    return { why: "its other slot has the image no more, and there is no permit for it" };
  return image;
}

/** Of a device that goes back: what it gets, and its deployment of the rollout that is taken back. */
export interface GoingBack extends Target {
  position: number;
}

export interface WaysBack {
  byRelease: Map<string, GoingBack[]>;
  /** In sentences. */
  stay: string[];
}

export async function waysBackOf(
  options: WaysBackOptions,
  db: Queries,
  rows: readonly DeploymentRow[],
): Promise<WaysBack> {
  const byRelease = new Map<string, GoingBack[]>();
  const stay: string[] = [];
  const images = new Map<string, ImageRow | undefined>();
  const imageOf = async (digest: string): Promise<ImageRow | undefined> => {
    if (!images.has(digest))
      images.set(digest, await db.selectFrom("images").selectAll().where("digest", "=", digest).executeTakeFirst());
    return images.get(digest);
  };
  for (const updated of await updatedOf(db, rows)) {
    const { device, deployment } = updated;
    const way = await wayBack(options, imageOf, updated);
    if ("why" in way) {
      stay.push(`${device.id} stays: ${way.why}`);
      continue;
    }
    const targets = byRelease.get(way.releaseId) ?? [];
    byRelease.set(way.releaseId, targets);
    const isChanging = pastNoReturn.includes(deployment.state);
    targets.push({ device, image: way, isChanging, position: deployment.position });
  }
  return { byRelease, stay };
}

/** The rollout by which devices of another one go back to a release; how many there are is not known yet. */
export async function rowBack(
  db: Queries,
  {
    name,
    lateOffersMs,
    acceptsClaimed,
    ...row
  }: Pick<RolloutRow, "name" | "lateOffersMs" | "acceptsClaimed" | "rules" | "scope">,
  releaseId: string,
): Promise<Omit<PlannedRow, "waveTotals"> & { version: string }> {
  const { version } = await db
    .selectFrom("releases")
    .select("version")
    .where("id", "=", releaseId)
    .executeTakeFirstOrThrow();
  const [first] = rulesOf(row);
  const unhindered = { rate: null, approval: false, startAt: null, underWayMax: null, soakMs: 0 } as const;
  return {
    version,
    id: newId(),
    name: `back to ${version} from ${name}`.slice(0, 100),
    releaseId,
    by: `the roll-back of ${name}`,
    scope: scopeIn(row),
    allowOlder: true,
    acceptsClaimed,
    urgent: true,
    lateOffersMs,
    maintenance: null,
    retries: [],
    targetFilter: null,
    targetOpen: false,
    // Nobody is helped by a roll-back that stops half-way.
    rules: [{ ...first!, ...unhindered, failureThresholdPercent: 100, thresholdAction: "pause" }],
    health: null,
    request: null,
  };
}

export interface Went {
  count: number;
  version: string;
  /** The rollout that brings them back. */
  name: string;
}

/** What is said of it in the end. `stay`: the first ones. */
export function decisionsOf(went: readonly Went[], stay: readonly string[], staying: number): string[] {
  const more = staying - Math.min(stay.length, namesListedMax);
  return [
    ...(went.length === 0 ? ["no device goes back"] : []),
    ...went.map(({ count, version, name }) => `${count} devices go back to ${version} (${name})`),
    ...stay.slice(0, namesListedMax),
    ...(more > 0 ? [`and ${more} more stay`] : []),
  ];
}
