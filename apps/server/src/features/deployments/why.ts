// Why nothing happens: what a rollout, or a device, is waiting for.

import type { Why } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { asSentence } from "../../domain/as-sentence.ts";
import { isWaiting } from "../../domain/deployment-transitions.ts";
import { whyRolloutWaits } from "../../domain/why.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { DeviceRow, RolloutRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DownloadSlots } from "../chunk-delivery/download-slots.ts";
import { isInConflict, trailOf } from "../device-records/board-trail.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import type { Presence } from "../device-records/presence.ts";
import { findDevice } from "../device-records/store.ts";
import type { Brake } from "./brake.ts";
import { type Hindrances, isOnTrial, twoBoards, twoBoardsActions } from "./hindrances.ts";
import type { Memory } from "./memory.ts";
import { type KnownDeployment, loadSnapshot, rulesOf } from "./store.ts";
import { counted } from "../../domain/counted.ts";

export interface Whys {
  /** Throws ApiError when there is none. */
  rollout(id: string): Promise<Why>;
  device(id: string): Promise<Why>;
}

/** When the next wave's own time comes, where it is that what is waited for. */
const startOf = ({ heldFor, currentWave, ...row }: RolloutRow): string | null =>
  heldFor === "start-time" ? (rulesOf(row)[currentWave + 1]?.startAt ?? null) : null;

const nothing = (sentence: string): Why => ({ sentence, since: null, until: null, actions: [] });

export function createWhys(options: {
  storage: Storage;
  memory: Memory;
  hindrances: Hindrances;
  presence: Presence;
  lastSeen: Pick<LastSeen, "pending">;
  slots: Pick<DownloadSlots, "mayTake" | "max">;
  brake: Brake;
  clock: Clock;
}): Whys {
  const { storage, memory, hindrances, presence, lastSeen, slots, brake, clock } = options;
  const shown = (steadyMs: number | null): string | null => (steadyMs === null ? null : iso(clock.shownMs(steadyMs)));

  async function ofActive(device: DeviceRow, active: KnownDeployment): Promise<Why> {
    const { name } = await memory.rollout(active.rolloutId);
    if (device.agent !== "flipside" && active.state === "testing")
      return {
        sentence: `${device.id} claims to have installed the image of rollout ${name}; it is confirmed when the device comes back and says the new version in its attributes.`,
        since: iso(active.updatedAt),
        until: shown(active.deadlineAt),
        actions: [
          "look whether it has rebooted",
          "let its agent say its version",
          "accept claims in the next rollout (acceptsClaimed)",
        ],
      };
    return {
      sentence: `${device.id} is ${active.state}: the deployment of rollout ${name} is under way.`,
      since: iso(active.updatedAt),
      until: shown(active.deadlineAt),
      actions: ["cancel the rollout", "start an urgent one, which overtakes it before its point of no return"],
    };
  }

  async function ofWaiting(device: DeviceRow, known: readonly KnownDeployment[]): Promise<Why> {
    const [first] = await hindrances.inTurn(known);
    const { name } = await memory.rollout(first!.rolloutId);
    const until = shown(first!.deadlineAt);
    const seenAt = lastSeen.pending(device.id) ?? device.lastSeenAt;
    if (presence.isAway(device.id))
      return {
        sentence: `${device.id} is away, and is offered the image of rollout ${name} when it comes back.`,
        since: isoOrNull(seenAt),
        until,
        actions: ["look at its power and its connection"],
      };
    if (isOnTrial(device))
      return { ...nothing(`${device.id} has an image on trial, and begins nothing else before that ends.`), until };
    const hindrance = await hindrances.of(device, first!, known);
    const since = iso(first!.updatedAt);
    const { underWayMax } = rulesOf(await memory.rollout(first!.rolloutId))[first!.wave]!;
    if (hindrance === undefined && underWayMax !== null)
      return {
        sentence: `${device.id} waits for its turn in rollout ${name}, on which ${counted(underWayMax, "device")} may be at work at a time.`,
        since,
        until,
        actions: [],
      };
    if (hindrance === undefined && !slots.mayTake(device.id))
      return {
        sentence: `${device.id} waits for its turn in rollout ${name}: ${counted(slots.max, "device downloads", "devices download")}, which is as many as the server serves well.`,
        since,
        until,
        actions: [],
      };
    if (hindrance === undefined)
      return {
        sentence: `${device.id} is offered the image of rollout ${name} at its next check-in.`,
        since,
        until,
        actions: [],
      };
    const { why, untilMs, actions } = hindrance;
    return { sentence: `${device.id} ${why}.`, since, until: untilMs === undefined ? until : iso(untilMs), actions };
  }

  return {
    async rollout(id) {
      const { db } = storage;
      const row = await db.selectFrom("rollouts").selectAll().where("id", "=", id).executeTakeFirst();
      if (row === undefined || row.deletedAt !== null) throw new ApiError("not-found", "There is no such rollout.");
      if (brake.stop !== undefined && (row.state === "running" || row.state === "paused"))
        return {
          sentence: asSentence(`All updates were stopped by ${brake.stop.by}: ${brake.stop.reason}`),
          since: iso(brake.stop.at),
          until: null,
          actions: ["end the emergency stop"],
        };
      const decided = await db
        .selectFrom("decisions")
        .select("at")
        .where("rolloutId", "=", id)
        .orderBy("id", "desc")
        .executeTakeFirst();
      const isOpen = row.state === "running";
      const last = isOpen
        ? await db
            .selectFrom("deployments")
            .select("deadlineAt")
            .where("rolloutId", "=", id)
            .where("finishedAt", "is", null)
            // None before its wave has started.
            .where("deadlineAt", "is not", null)
            .orderBy("deadlineAt", "desc")
            .limit(1)
            .executeTakeFirst()
        : undefined;
      return {
        ...whyRolloutWaits(await loadSnapshot(db, row)),
        since: isoOrNull(decided?.at ?? row.createdAt),
        until: isOpen ? (startOf(row) ?? shown(row.soakUntil ?? last?.deadlineAt ?? null)) : null,
      };
    },

    async device(id) {
      const device = await findDevice(storage.db, id);
      if (device === undefined) throw new ApiError("not-found", "There is no such device.");
      if (device.revokedAt !== null)
        return { ...nothing(`${id} is revoked, and takes part in nothing.`), since: iso(device.revokedAt) };
      if (isInConflict(device, clock.steadyMs()))
        return {
          sentence: `${id} ${twoBoards}.`,
          since: isoOrNull(trailOf(device).shown?.sinceMs ?? null),
          until: shown(device.conflictUntil),
          actions: [...twoBoardsActions],
        };
      const known = (await memory.deployments(id)).filter(({ finishedAt }) => finishedAt === null);
      if (known.length === 0) return nothing(`Nothing is wanted of ${id}: no rollout that is open has it.`);
      const active = known.find(({ state }) => !isWaiting(state));
      return active === undefined ? ofWaiting(device, await memory.deployments(id)) : ofActive(device, active);
    },
  };
}
