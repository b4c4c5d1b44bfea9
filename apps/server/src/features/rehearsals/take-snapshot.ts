// What the database knows of the devices that a rollout would be for, and of how updates went.

import type { Clock } from "../../clock.ts";
import type { Queries } from "../../storage/storage.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import type { NewRolloutOptions } from "../rollouts/new-rollout.ts";
import type { ScopedRequest } from "../rollouts/stored-request.ts";
import type { FleetSnapshot, PastDeployment, SampledDevice, SessionMark } from "./fleet-snapshot.ts";
import { orderedTarget } from "./target-order.ts";

/** The newest ones. */
const pastMax = 5_000;
const idsAtATime = 500;
const dayMs = 86_400_000;
/** What the log says of a session (features/sessions/sessions.ts). */
const sessionBegan = "session proven";
const sessionEnded = "session ended:";

export interface SnapshotOptions extends NewRolloutOptions {
  lastSeen: Pick<LastSeen, "pending">;
  isOnline(deviceId: string): boolean;
}

/** Deployments of the product that have ended, newest first. */
export async function pastOf(db: Queries, product: string, clock: Pick<Clock, "shownMs">): Promise<PastDeployment[]> {
  const rows = await db
    .selectFrom("deployments")
    .innerJoin("rollouts", "rollouts.id", "deployments.rolloutId")
    .innerJoin("images", "images.digest", "deployments.digest")
    .innerJoin("releases", "releases.id", "rollouts.releaseId")
    .select([
      "deployments.deviceId",
      "deployments.state",
      "deployments.code",
      "deployments.offeredAt",
      "deployments.finishedAt",
      "images.payloadBytes",
      "rollouts.state as rolloutState",
    ])
    .where("releases.product", "=", product)
    .where("deployments.finishedAt", "is not", null)
    .orderBy("deployments.position", "desc")
    .limit(pastMax)
    .execute();
  return rows.map(({ deviceId, state, code, offeredAt, finishedAt, payloadBytes, rolloutState }) => ({
    ...{ deviceId, state, code, payloadBytes },
    // Offers are of steady time, ends of the wall clock.
    tookMs: offeredAt === null ? null : Math.max(0, Math.round(finishedAt! - clock.shownMs(offeredAt))),
    isOfWhole: rolloutState === "completed" || rolloutState === "running",
  }));
}

interface Logged {
  sessions: SessionMark[];
  crashes: FleetSnapshot["crashes"];
}

/** What the device log has of these, oldest first. */
async function loggedOf(db: Queries, ids: readonly string[], nowMs: number): Promise<Logged> {
  const sessions: SessionMark[] = [];
  const crashes = { count: 0, deviceDays: 0 };
  for (let from = 0; from < ids.length; from += idsAtATime) {
    const rows = await db
      .selectFrom("deviceLog")
      .select(["deviceId", "at", "kind", "detail"])
      .where("deviceId", "in", ids.slice(from, from + idsAtATime))
      .orderBy("id")
      .execute();
    const since = new Map<string, number>();
    for (const { deviceId, at, kind, detail } of rows) {
      if (!since.has(deviceId)) since.set(deviceId, at);
      if (kind === "crash") crashes.count++;
      if (kind !== "session") continue;
      if (detail.startsWith(sessionBegan)) sessions.push({ deviceId, atMs: at, isBegin: true });
      else if (detail.startsWith(sessionEnded)) sessions.push({ deviceId, atMs: at, isBegin: false });
    }
    for (const at of since.values()) crashes.deviceDays += Math.max(0, nowMs - at) / dayMs;
  }
  return { sessions, crashes };
}

/** Throws ApiError when such a rollout would be refused. `most`: devices that are simulated. */
export async function takeSnapshot(
  options: SnapshotOptions,
  request: ScopedRequest,
  by: string,
  most: number,
): Promise<FleetSnapshot> {
  const { clock, lastSeen, isOnline } = options;
  const { db } = options.storage;
  const { waves, rows } = await orderedTarget(options, request, by, most);
  const atMs = clock.wallMs();
  const seen = (sampled: (typeof waves)[number]["sample"][number]): SampledDevice => ({
    ...sampled,
    isOnline: isOnline(sampled.id),
    lastSeenAtMs: lastSeen.pending(sampled.id) ?? rows.get(sampled.id)!.lastSeenAt,
  });
  const { product } = await db
    .selectFrom("releases")
    .select("product")
    .where("id", "=", request.releaseId)
    .executeTakeFirstOrThrow();
  return {
    atMs,
    waves: waves.map(({ total, rules, sample }) => ({ total, rules, sample: sample.map(seen) })),
    past: await pastOf(db, product, clock),
    ...(await loggedOf(db, [...rows.keys()], atMs)),
  };
}
