// Devices and deployments as the REST interface shows them.

import { activeOf } from "@flipside/api/active-deployment";
import type { Filtered } from "@flipside/device-filter";
import type { Deployment as DeploymentView, Device as DeviceView, TrustRelation } from "@flipside/api/types";
import { errorName } from "@flipside/image-format";
import type { CheckIn } from "@flipside/protocol/messages";
import type { Clock } from "../../clock.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { DeploymentRow, DeviceRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Trust } from "../trust/trust.ts";
import type { Progress } from "../deployments/progress.ts";
import { findDevice, otherOf, runningOf, tagsByDevice } from "../device-records/store.ts";
import { trailOf, isInConflict } from "../device-records/board-trail.ts";
import type { Measured } from "../sessions/measurement.ts";
import type { LastSeen } from "../device-records/last-seen.ts";

type NamedDeployment = DeploymentRow & {
  rolloutName: string;
  version: string;
  /** Of the action that it was to another agent, if it was one. */
  claimedAt: number | null;
  provenAt: number | null;
};

/** It is so by the device's word: an agent of ours is believed by what it proves. */
const isClaimed = ({ state, claimedAt, provenAt }: NamedDeployment): boolean =>
  claimedAt !== null && provenAt === null && (state === "testing" || state === "confirmed");

export function deploymentView(row: NamedDeployment): DeploymentView {
  return {
    id: row.id,
    rolloutId: row.rolloutId,
    rolloutName: row.rolloutName,
    version: row.version,
    deviceId: row.deviceId,
    digest: row.digest,
    wave: row.wave,
    attempt: row.attempt,
    state: row.state,
    claimed: isClaimed(row),
    code: row.code,
    codeName: row.code === 0 ? null : errorName(row.code),
    done: row.done,
    total: row.total,
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}

export function selectDeployments(db: Queries) {
  return db
    .selectFrom("deployments")
    .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
    .innerJoin("releases", "releases.id", "rollouts.releaseId")
    .leftJoin("otherAgentActions", (join) =>
      join
        .onRef("otherAgentActions.deploymentId", "=", "deployments.id")
        .onRef("otherAgentActions.attempt", "=", "deployments.attempt"),
    )
    .where("rollouts.deletedAt", "is", null)
    .selectAll("deployments")
    .select(["rollouts.name as rolloutName", "releases.version as version"])
    .select(["otherAgentActions.claimedAt", "otherAgentActions.provenAt"]);
}

export type { DeploymentView, DeviceView };

/** What no column of the device's row says of it. */
export interface BesideRow {
  online: boolean;
  /** The newest time, if it is not stored yet. */
  lastSeenAt: number | undefined;
  tags: readonly string[] | undefined;
}

/** What filters ask of, and lists show: from the row, made in one way for both. */
export function describe(row: DeviceRow, beside: BesideRow): Filtered & Pick<DeviceView, "running"> {
  const running = runningOf(row);
  return {
    id: row.id,
    product: row.product,
    hardware: row.hardware,
    revision: row.revision,
    lastSeenAt: isoOrNull(beside.lastSeenAt ?? row.lastSeenAt),
    online: beside.online,
    revoked: row.revokedAt !== null,
    running: running && {
      slot: running.slot,
      digest: running.digest,
      version: running.version,
      releaseSequence: running.releaseSequence,
      state: running.state,
    },
    health: row.health,
    bootReason: row.bootReason,
    agent: row.agent,
    channel: row.channel,
    configurationState: row.configurationState,
    tags: beside.tags ?? [],
    attributes: row.attributes === null ? {} : (JSON.parse(row.attributes) as DeviceView["attributes"]),
  };
}

function conflictView(row: DeviceRow, clock: Pick<Clock, "steadyMs">): DeviceView["identityConflict"] {
  const { shown } = trailOf(row);
  if (shown === null || !isInConflict(row, clock.steadyMs())) return null;
  return { since: iso(shown.sinceMs), lastAt: iso(shown.lastMs) };
}

const measuredOf = ({ measured }: DeviceRow): Measured | null =>
  measured === null ? null : (JSON.parse(measured) as Measured);

/** What it has signed, beside what it says and what is known of releases. */
function measuredView(row: DeviceRow, released: ReadonlyMap<string, string>): DeviceView["measured"] {
  const measured = measuredOf(row);
  if (measured === null) return null;
  const { loader, trust, image, bootCounter } = measured;
  const differs = <T>(one: T | null, other: T | null): boolean => one !== null && other !== null && one !== other;
  return {
    loader,
    loaderChanged: differs(loader, row.firstLoader),
    trust,
    image,
    imageVersion: released.get(image) ?? null,
    bootCounter,
    // The trust record may have been replaced since the session began.
    agrees: !differs(image, runningOf(row)?.digest ?? null) && !differs(bootCounter, row.bootCounter),
  };
}

function releaseStateView(json: string): DeviceView["releaseState"] {
  const { issued, until, sequence, warning } = JSON.parse(json) as NonNullable<CheckIn["releaseState"]>;
  return {
    issuedAt: issued === 0 ? null : iso(1000 * issued),
    validUntil: until === 0 ? null : iso(1000 * until),
    releaseSequence: sequence === 0 ? null : sequence,
    warning: warning ?? null,
  };
}

export function deviceView(
  row: DeviceRow,
  more: BesideRow & {
    trustRelation: TrustRelation;
    active: NamedDeployment | undefined;
    versions: ReadonlyMap<string, string>;
    /** Of measured images. */
    released: ReadonlyMap<string, string>;
    clock: Pick<Clock, "steadyMs">;
  },
): DeviceView {
  const other = otherOf(row);
  const { tags, attributes, ...described } = describe(row, more);
  return {
    ...described,
    tags: [...tags],
    attributes: { ...attributes },
    enrolledAt: iso(row.enrolledAt),
    other: other && {
      slot: other.slot,
      digest: other.digest ?? null,
      version: (other.digest !== undefined && more.versions.get(other.digest)) || null,
      state: other.state,
      reason: other.reason,
      reasonName: other.reason === 0 ? null : errorName(other.reason),
    },
    bootCounter: row.bootCounter,
    loaderVersion: row.loaderVersion,
    trustVersion: row.trustVersion,
    trustDigest: row.trustDigest,
    trustRelation: more.trustRelation,
    entropy: row.entropy,
    trustRefused:
      row.trustRefusedCode === null
        ? null
        : {
            version: row.trustRefusedVersion ?? 0,
            code: row.trustRefusedCode,
            codeName: errorName(row.trustRefusedCode),
          },
    measured: measuredView(row, more.released),
    releaseState: row.releaseState === null ? null : releaseStateView(row.releaseState),
    identityConflict: conflictView(row, more.clock),
    securityFloor: row.securityFloor,
    connection: row.connection === null ? null : (JSON.parse(row.connection) as { host: string; port: number }),
    metric: row.metricName === null ? null : { name: row.metricName, value: row.metricValue ?? 0 },
    activeDeployment: more.active ? deploymentView(more.active) : null,
  };
}

/** The same of images that were uploaded and verified. */
async function releasedVersions(db: Queries, digests: readonly string[]): Promise<Map<string, string>> {
  if (digests.length === 0) return new Map();
  const rows = await db
    .selectFrom("images")
    .innerJoin("releases", "releases.id", "images.releaseId")
    .select(["images.digest", "releases.version"])
    .where("images.digest", "in", digests)
    .execute();
  return new Map(rows.map(({ digest, version }) => [digest, version]));
}

/** Versions of these images, by digest, as far as they are known. */
export async function versionsByDigest(db: Queries, digests: readonly string[]): Promise<Map<string, string>> {
  if (digests.length === 0) return new Map();
  const released = await releasedVersions(db, digests);
  // What a device said of an image yields to what was uploaded and verified.
  const named = await db.selectFrom("namedVersions").selectAll().where("digest", "in", digests).execute();
  return new Map([...named.map(({ digest, version }) => [digest, version] as const), ...released]);
}

function groupByDevice<T extends DeploymentRow>(deployments: T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const deployment of deployments) {
    const group = groups.get(deployment.deviceId);
    if (group) group.push(deployment);
    else groups.set(deployment.deviceId, [deployment]);
  }
  return groups;
}

export interface DeviceViews {
  one(id: string): Promise<DeviceView | undefined>;
  /** Of these rows, a page's or a step's. */
  of(rows: readonly DeviceRow[]): Promise<DeviceView[]>;
  deployment(id: string): Promise<DeploymentView | undefined>;
}

export function createDeviceViews({
  db,
  lastSeen,
  progress,
  isOnline,
  trust,
  clock,
}: {
  db: Queries;
  lastSeen: LastSeen;
  progress: Progress;
  isOnline: (deviceId: string) => boolean;
  trust: Trust;
  clock: Pick<Clock, "steadyMs">;
}): DeviceViews {
  const openDeployments = async (deviceIds: readonly string[]): Promise<NamedDeployment[]> => {
    const rows = await selectDeployments(db)
      .where("deployments.deviceId", "in", deviceIds)
      .where("deployments.finishedAt", "is", null)
      .orderBy("position")
      .execute();
    return rows.map((row) => progress.over(row));
  };
  const trustRelation = (row: DeviceRow): TrustRelation => trust.relation(row.trustVersion, row.trustDigest);
  async function viewsOf(rows: readonly DeviceRow[]): Promise<DeviceView[]> {
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const byDevice = groupByDevice(await openDeployments(ids));
    const versions = await versionsByDigest(db, [...new Set(rows.flatMap((row) => otherOf(row)?.digest ?? []))]);
    const released = await releasedVersions(db, [...new Set(rows.flatMap((row) => measuredOf(row)?.image ?? []))]);
    const tags = await tagsByDevice(db, ids);
    return rows.map((row) =>
      deviceView(row, {
        trustRelation: trustRelation(row),
        online: isOnline(row.id),
        lastSeenAt: lastSeen.pending(row.id),
        active: activeOf(byDevice.get(row.id) ?? []),
        tags: tags.get(row.id),
        versions,
        released,
        clock,
      }),
    );
  }

  return {
    of: viewsOf,
    async one(id) {
      const row = await findDevice(db, id);
      return row && (await viewsOf([row]))[0];
    },
    async deployment(id) {
      const row = await selectDeployments(db).where("deployments.id", "=", id).executeTakeFirst();
      return row && deploymentView(progress.over(row));
    },
  };
}
