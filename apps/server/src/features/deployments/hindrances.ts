// What stands between a deployment and its offer, asked each time anew: by whoever makes offers, and by whoever asks
// why none was made.

import { runsNewer } from "@flipside/api/release-fit";
import type { TrustRelation } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { isWaiting } from "../../domain/deployment-transitions.ts";
import { isOfferDue } from "../../domain/offer-rate.ts";
import { mayBeOffered } from "../../domain/snapshots.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { ImageStore } from "../releases/image-store.ts";
import type { Trust } from "../trust/trust.ts";
import { isInConflict } from "../device-records/board-trail.ts";
import { runningOf } from "../device-records/store.ts";
import type { Brake } from "./brake.ts";
import type { Memory } from "./memory.ts";
import { MaintenanceHours } from "./maintenance-hours.ts";
import { type KnownDeployment, rulesOf } from "./store.ts";

export interface Hindrance {
  /** In words that go on from the device's name. */
  why: string;
  /** It will not pass: the deployment is needed no more. */
  isFinal: boolean;
  /** The rollout's own rules keep the offer back: the device is not late by it. */
  isHeldBack?: boolean;
  /** When it passes, of the wall clock, where that is known. */
  untilMs?: number;
  /** What can be done, in words that follow "You can". */
  actions: string[];
}

export interface Hindrances {
  /** Of a deployment of this device; `known`: all that memory has of it. Undefined: it may be offered. */
  of(device: DeviceRow, row: KnownDeployment, known: readonly KnownDeployment[]): Promise<Hindrance | undefined>;
  /** Those that have become needless by what the device runs now. */
  needless(device: DeviceRow, row: KnownDeployment, known: readonly KnownDeployment[]): Promise<Hindrance | undefined>;
  /** The waiting ones in the order in which they get their turn: of urgent rollouts first, then of the newest. */
  inTurn(known: readonly KnownDeployment[]): Promise<KnownDeployment[]>;
}

export function runsConfirmed(device: DeviceRow, digest: string): boolean {
  const running = runningOf(device);
  return running !== null && running.digest === digest && running.state === "confirmed";
}

/** Nothing else may be begun meanwhile, also when its deployment was given up here. */
export const isOnTrial = (device: DeviceRow): boolean => runningOf(device)?.state === "candidate";

/** It has a record that this server does not know: what would be offered may go back behind it. */
const knowsMore = (relation: TrustRelation): boolean => relation === "ahead" || relation === "forked";

export const isStranger = (trust: Pick<Trust, "relation">, device: DeviceRow): boolean =>
  knowsMore(trust.relation(device.trustVersion, device.trustDigest));

/** The time zone that it reports of itself. */
function zoneOf({ attributes }: DeviceRow): string | undefined {
  const said = attributes === null ? undefined : (JSON.parse(attributes) as Record<string, unknown>)["timeZone"];
  return typeof said === "string" ? said : undefined;
}

/** As `why` of a hindrance, and what can be done. */
export const twoBoards = "gets no offer: two boards say that they are this device, and push each other off";
export const twoBoardsActions = [
  "switch one of them off and clear the conflict",
  "replace the board, which makes both of them nobody",
  "revoke the device",
];

const passing = (why: string, ...actions: string[]): Hindrance => ({ why, isFinal: false, actions });
const final = (why: string): Hindrance => ({ why, isFinal: true, actions: [] });

export interface HindrancesOptions {
  memory: Memory;
  trust: Pick<Trust, "version" | "verdict" | "relation">;
  images: Pick<ImageStore, "stateOf">;
  brake: Brake;
  clock: Pick<Clock, "wallMs" | "steadyMs" | "shownMs">;
}

export function createHindrances({ memory, trust, images, brake, clock }: HindrancesOptions): Hindrances {
  const hours = new MaintenanceHours(clock);

  function ofFleet(): Hindrance | undefined {
    const { stop } = brake;
    return stop && passing(`waits: all updates were stopped by ${stop.by} (${stop.reason})`, "end the emergency stop");
  }

  function ofIdentity(device: DeviceRow): Hindrance | undefined {
    if (!isInConflict(device, clock.steadyMs())) return undefined;
    return passing(twoBoards, ...twoBoardsActions);
  }

  async function ofRollout(row: KnownDeployment): Promise<Hindrance | undefined> {
    const { name, state, currentWave, pauseReason } = await memory.rollout(row.rolloutId);
    if (mayBeOffered({ state, currentWave }, row)) return undefined;
    if (state === "paused")
      return passing(`waits for rollout ${name}, which is paused (${pauseReason})`, "resume or cancel the rollout");
    if (state !== "running") return passing(`waits in rollout ${name}, which is ${state}`);
    if (currentWave < 0) return passing(`waits for the start of rollout ${name}`);
    return passing(`waits for wave ${row.wave + 1} of rollout ${name}, which is at wave ${currentWave + 1}`);
  }

  /** What the rollout's own rules keep back for a while. */
  async function ofRules(
    device: DeviceRow,
    { rolloutId, notBefore, wave }: KnownDeployment,
  ): Promise<Hindrance | undefined> {
    const row = await memory.rollout(rolloutId);
    const held = (why: string, untilMs: number): Hindrance => ({ ...passing(why), isHeldBack: true, untilMs });
    const now = clock.steadyMs();
    if (notBefore !== null && notBefore > now)
      return held(`waits for its next try in rollout ${row.name}`, clock.shownMs(notBefore));
    const opensAtMs = hours.opensAtMs(row.maintenance, zoneOf(device));
    if (opensAtMs !== undefined) return held(`waits for a maintenance window of rollout ${row.name}`, opensAtMs);
    const { nextOfferAt } = row;
    const isPaced = (rulesOf(row)[wave]?.rate ?? null) !== null;
    if (isPaced && !isOfferDue(nextOfferAt, now))
      return held(`waits for its turn in rollout ${row.name}, which is offered at a rate`, clock.shownMs(nextOfferAt!));
    return undefined;
  }

  /** An image that this device has given up is not tried again before somebody says so. */
  async function ofHistory(device: DeviceRow, row: KnownDeployment): Promise<Hindrance | undefined> {
    const { digest, attempt } = row;
    if (attempt > 1 || !(await memory.rolledBack(device.id)).has(digest) || runsConfirmed(device, digest))
      return undefined;
    return final("has rolled this image back before, and is not offered it again before somebody retries it");
  }

  function ofImage(device: DeviceRow, digest: string): Hindrance | undefined {
    const file = images.stateOf(digest);
    if (file !== "present")
      return passing(
        `can't be offered its image, whose file is ${file} on the server`,
        "upload the same release again",
      );
    if (runsConfirmed(device, digest)) return undefined;
    if (isStranger(trust, device))
      return passing(
        "has a trust record that this server does not know, so nothing is offered to it",
        "upload the newer trust record",
      );
    // Until the device has the trust record that admits it, it would only be rejected.
    const verdict = trust.verdict(digest, device.trustVersion);
    if (verdict === "offer") return undefined;
    return verdict === "revoked"
      ? passing("can't be offered its image, which no key in force has signed", "build the release again and upload it")
      : passing(`takes trust record ${trust.version} first, which admits the image`);
  }

  async function needless(
    device: DeviceRow,
    { rolloutId, position, digest }: KnownDeployment,
    known: readonly KnownDeployment[],
  ): Promise<Hindrance | undefined> {
    if (runsConfirmed(device, digest)) return undefined;
    const { allowOlder, releaseId } = await memory.rollout(rolloutId);
    const release = await memory.release(releaseId);
    const running = runningOf(device);
    if (!allowOlder && runsNewer(running, release))
      return final(`runs ${running!.version ?? "a release"}, which is newer than ${release.version}`);
    const later = known.find(
      (each) => each.offeredAt !== null && each.isNewest && each.state === "confirmed" && each.position > position,
    );
    if (later === undefined || !runsConfirmed(device, later.digest)) return undefined;
    return final(`was updated by a later rollout (${(await memory.rollout(later.rolloutId)).name})`);
  }

  return {
    needless,
    of: async (device, row, known) =>
      ofFleet() ??
      ofIdentity(device) ??
      (await ofRollout(row)) ??
      ofImage(device, row.digest) ??
      (await needless(device, row, known)) ??
      (await ofHistory(device, row)) ??
      (await ofRules(device, row)),
    async inTurn(known) {
      const ranked: { row: KnownDeployment; rank: number }[] = [];
      for (const row of known)
        if (isWaiting(row.state)) ranked.push({ row, rank: (await memory.rollout(row.rolloutId)).urgent ? 1 : 0 });
      return ranked
        .sort((one, other) => other.rank - one.rank || other.row.position - one.row.position)
        .map(({ row }) => row);
    },
  };
}
