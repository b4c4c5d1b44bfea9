// Roll-backs are carried out: who was updated by a rollout gets what it came from, by an urgent rollout of its own for
// each earlier release. That one is due is in the rollout's row, so that it is made whatever dies meanwhile.

import type { Clock } from "../../clock.ts";
import type { Feed } from "../../changes/feed.ts";
import { newId } from "../../identifiers.ts";
import type { Logger } from "../../logging.ts";
import type { DeploymentRow, DeviceRow, ImageRow, RolloutRow } from "../../storage/schema.ts";
import type { Storage, Work } from "../../storage/storage.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import type { Memory } from "../deployments/memory.ts";
import { addDecisions, lockRollout, rulesOf } from "../deployments/store.ts";
import { findDevices, holdsConfirmed, otherOf, runningOf } from "../device-records/store.ts";
import type { Trust } from "../trust/trust.ts";
import { insertRollout, type Target } from "./insert-rollout.ts";

const namesListedMax = 20;
const pastNoReturn: readonly DeploymentRow["state"][] = ["installed", "rebooting", "testing"];

export interface RollBacks {
  /** Makes those that are due. */
  tick(): Promise<void>;
}

interface Options {
  storage: Storage;
  engineRoom: EngineRoom;
  memory: Pick<Memory, "permit">;
  trust: Pick<Trust, "verdict">;
  feed: Feed;
  clock: Clock;
  log: Logger;
}

interface Updated {
  deployment: DeploymentRow;
  device: DeviceRow;
}

/** Those that the rollout has given another image, and that run it or are past their point of no return with it. */
async function updatedBy({ db }: Work, rolloutId: string, { wave }: { wave?: number | undefined }): Promise<Updated[]> {
  const rows = await db
    .selectFrom("deployments")
    .selectAll()
    .where("rolloutId", "=", rolloutId)
    .where("offeredAt", "is not", null)
    .$if(wave !== undefined, (q) => q.where("wave", "=", wave!))
    .orderBy("position")
    .execute();
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

/** The image that a device came from, or why it can't go back to it. */
async function wayBack(
  { memory, trust }: Options,
  { db }: Work,
  { deployment, device }: Updated,
): Promise<ImageRow | { why: string }> {
  const isThere = (digest: string): boolean => runningOf(device)?.digest === digest || holdsConfirmed(device, digest);
  const digest = deployment.cameFrom ?? otherOf(device)?.digest;
  if (digest === undefined) return { why: "it is not known what it came from" };
  const image = await db.selectFrom("images").selectAll().where("digest", "=", digest).executeTakeFirst();
  if (image === undefined) return { why: "the image that it came from was never uploaded here" };
  if (trust.verdict(digest, device.trustVersion) !== "offer")
    return { why: "no key in force has signed the image that it came from" };
  if (device.securityFloor !== null && image.securityCounter < device.securityFloor)
    return {
      why: `its floor is ${device.securityFloor}, and the image that it came from has security counter ${image.securityCounter}`,
    };
  if (!isThere(digest) && (await memory.permit(digest, device.id)) === null)
    return { why: "its other slot has the image no more, and there is no permit for it" };
  return image;
}

export function createRollBacks(options: Options): RollBacks {
  const { storage, engineRoom, clock, feed, log } = options;

  async function goBack(
    work: Work,
    { id, name, lateOffersMs, ...row }: RolloutRow,
    releaseId: string,
    targets: Target[],
  ): Promise<string> {
    const { version } = await work.db
      .selectFrom("releases")
      .select("version")
      .where("id", "=", releaseId)
      .executeTakeFirstOrThrow();
    const planned = `back to ${version} from ${name}`.slice(0, 100);
    const [first] = rulesOf(row);
    const unhindered = { rate: null, approval: false, startAt: null, underWayMax: null, soakMs: 0 } as const;
    await insertRollout({ engineRoom, clock }, work, {
      id: newId(),
      name: planned,
      releaseId,
      by: `the roll-back of ${name}`,
      allowOlder: true,
      urgent: true,
      lateOffersMs,
      maintenance: null,
      retries: [],
      targetFilter: null,
      targetOpen: false,
      leftOut: "",
      waveTotals: [targets.length],
      // Nobody is helped by a roll-back that stops half-way.
      rules: [{ ...first!, ...unhindered, failureThresholdPercent: 100, thresholdAction: "pause" }],
      targets,
      health: null,
      request: null,
    });
    return `${targets.length} devices go back to ${version} (${planned})`;
  }

  async function carryOut(work: Work, rolloutId: string): Promise<void> {
    const row = await lockRollout(work.db, rolloutId);
    // Who is at work on it is told first that it is over.
    if (row === undefined || row.rollBackDue === null || row.sweeps !== null) return;
    const byRelease = new Map<string, Target[]>();
    const stay: string[] = [];
    for (const updated of await updatedBy(work, rolloutId, JSON.parse(row.rollBackDue) as { wave?: number })) {
      const way = await wayBack(options, work, updated);
      if ("why" in way) {
        stay.push(`${updated.device.id} stays: ${way.why}`);
        continue;
      }
      const targets = byRelease.get(way.releaseId) ?? [];
      byRelease.set(way.releaseId, targets);
      const isChanging = pastNoReturn.includes(updated.deployment.state);
      targets.push({ device: updated.device, image: way, isChanging });
    }
    const went: string[] = [];
    for (const [releaseId, targets] of byRelease) went.push(await goBack(work, row, releaseId, targets));
    const more = stay.length - namesListedMax;
    await work.db.updateTable("rollouts").set({ rollBackDue: null }).where("id", "=", rolloutId).execute();
    const decisions = [
      ...(went.length === 0 ? ["no device goes back"] : went),
      ...stay.slice(0, namesListedMax),
      ...(more > 0 ? [`and ${more} more stay`] : []),
    ];
    await addDecisions(work.db, rolloutId, decisions, clock.wallMs());
    work.changed({ kind: "rollout", id: rolloutId });
  }

  async function tick(): Promise<void> {
    const due = await storage.db.selectFrom("rollouts").select("id").where("rollBackDue", "is not", null).execute();
    for (const { id } of due) await storage.transaction((work) => carryOut(work, id));
  }

  feed.follow((change, _position, isOthers) => {
    if (change.kind !== "rollout" || change.countsOnly === true || isOthers) return;
    void tick().catch((error: unknown) => log.error({ err: error as Error }, "a roll-back could not be made"));
  });
  return { tick };
}
