// The pre-flight of a rollout for many devices: the same numbers as preflight.ts has, added up a piece at a time, with
// a turn for everything else in between. Of each device only its place and how it stands are kept: 8 bytes.

import { runsNewer } from "@flipside/api/release-fit";
import type { CompleteNewRollout as NewRollout, Misfit, Preflight, Rejection } from "@flipside/api/types";
import { problemsOf } from "../../domain/preflight.ts";
import { ApiError } from "../../http/errors.ts";
import type { ReleaseRow } from "../../storage/schema.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import { isOnTrial, isStranger } from "../deployments/hindrances.ts";
import { runningOf } from "../device-records/store.ts";
import { imagesOf, releaseOf } from "../releases/stored.ts";
import { placeOf, seedOf, sizesOf } from "./dealing.ts";
import { refusalOfApproval, refusalOfFiles, refusalOfRelease } from "./new-rollout.ts";
import {
  countOtherRollouts,
  offlineOf,
  type OtherRollout,
  otherRolloutsIn,
  type Planned,
  plannedOf,
  type PreflightOptions,
  rejectionOrder,
  rejectionsOf,
} from "./preflight.ts";
import { whyNot } from "./preparation.ts";
import { nobody, shownFor, type Some, someOf, together } from "./some-of.ts";
import type { ScopedRequest } from "./stored-request.ts";
import { refusalsOfSuperseded } from "./superseding.ts";
import { misfitOf, nextCandidates } from "./targets.ts";
import { rulesOfWaves } from "./wave-rules.ts";

/** 48 bits of a device's hash: enough to order a fleet by. */
const placeDigits = 12;
const bucketsMax = 256;
const placeEnd = 2 ** 48;

/** How devices stand, in the order of the waves. */
class Order {
  readonly #isByChance: boolean;
  readonly #isOnlineFirst: boolean;
  readonly #seed: string;
  #here: number[] = [];
  #away: number[] = [];

  constructor({ order, target, ...request }: NewRollout) {
    this.#isOnlineFirst = order === "online-first";
    this.#isByChance = order === "random" || (order === "online-first" && !("deviceIds" in target));
    this.#seed = seedOf(request);
  }

  /** `isAway`: whether or not it needs the update. */
  add({ device, isThere, isAway: isOffline }: Planned, isAway: boolean): void {
    const place = this.#isByChance ? Number.parseInt(placeOf(this.#seed, device.id).slice(0, placeDigits), 16) : 0;
    const standing = place * 4 + (isThere ? 2 : 0) + (isOffline ? 1 : 0);
    (this.#isOnlineFirst && isAway ? this.#away : this.#here).push(standing);
  }

  async waves(waveTotals: readonly number[]): Promise<Preflight["waves"]> {
    const waves = waveTotals.map((total, index) => ({ index, total, filter: null, alreadyThere: 0, offline: 0 }));
    let [wave, through, at] = [0, waveTotals[0] ?? 0, 0];
    for (const part of [this.#here, this.#away])
      for await (const standings of this.#sorted(part))
        for (const standing of standings) {
          while (at >= through) through += waveTotals[++wave]!;
          if (standing % 4 >= 2) waves[wave]!.alreadyThere++;
          if (standing % 2 === 1) waves[wave]!.offline++;
          at++;
        }
    return waves;
  }

  async *#sorted(standings: number[]): AsyncGenerator<Iterable<number>> {
    if (!this.#isByChance) return yield standings;
    const buckets = Array.from({ length: bucketsMax }, (): number[] => []);
    for (const standing of standings) buckets[Math.floor((standing / 4 / placeEnd) * bucketsMax)]!.push(standing);
    for (const bucket of buckets) {
      yield Float64Array.from(bucket).sort();
      await turnOfTheLoop();
    }
  }
}

/** What is added up. */
class Sums {
  matched = 0;
  chosen = 0;
  alreadyThere = 0;
  newer: Some = nobody;
  newerToUpdate = 0;
  strangers = 0;
  onTrial = 0;
  readonly misfits: Partial<Record<Misfit, Some>> = {};
  readonly rejections = new Map<Rejection, Some>();
  readonly otherRollouts = new Map<string, OtherRollout>();
  offline: Preflight["offline"] = { count: 0, longest: null };

  addOffline({ count, longest }: Preflight["offline"]): void {
    const before = this.offline.longest;
    const isLonger = longest !== null && (before === null || (longest.lastSeenAt ?? "") < (before.lastSeenAt ?? ""));
    this.offline = { count: this.offline.count + count, longest: isLonger ? longest : before };
  }

  addRejections(found: Preflight["wouldReject"]): void {
    for (const { reason, count, deviceIds } of found)
      this.rejections.set(reason, together(this.rejections.get(reason) ?? nobody, { count, ids: deviceIds }));
  }
}

async function addUp(
  options: PreflightOptions,
  request: ScopedRequest,
  release: ReleaseRow,
  order: Order,
): Promise<Sums> {
  const { db } = options.storage;
  const images = await imagesOf(db, release.id);
  const of = { target: request.target, scope: request.scope, product: release.product };
  const sums = new Sums();
  for (let after: string | undefined = ""; after !== undefined; await turnOfTheLoop()) {
    const { candidates, through } = await nextCandidates(options, db, of, after);
    after = through;
    sums.matched += candidates.length;
    const devices = candidates.flatMap(({ id, row }) => {
      const misfit = misfitOf(row, release.product, images);
      if (misfit === undefined) return [row!];
      sums.misfits[misfit] = together(sums.misfits[misfit] ?? nobody, someOf([id]));
      return [];
    });
    const planned = plannedOf({ devices, images }, options);
    for (const each of planned) order.add(each, options.presence.isAway(each.device.id));
    const toUpdate = planned.filter(({ isThere }) => !isThere);
    sums.chosen += planned.length;
    sums.alreadyThere += planned.length - toUpdate.length;
    for (const { device } of planned)
      if (runsNewer(runningOf(device), release)) sums.newer = together(sums.newer, someOf([device.id]));
    sums.newerToUpdate += toUpdate.filter(({ device }) => runsNewer(runningOf(device), release)).length;
    sums.strangers += toUpdate.filter(({ device }) => isStranger(options.trust, device)).length;
    sums.onTrial += toUpdate.filter(({ device }) => isOnTrial(device)).length;
    sums.addOffline(offlineOf(planned, options));
    sums.addRejections(await rejectionsOf(db, { release, images }, planned));
    await countOtherRollouts(db, toUpdate, sums.otherRollouts);
  }
  return sums;
}

/** Throws ApiError when there is no such release, or the target is a filter that can't be read. */
export async function preflightOfMany(
  options: PreflightOptions,
  request: ScopedRequest,
  by: string,
): Promise<Preflight> {
  const { db } = options.storage;
  const release = await releaseOf(db, request.releaseId);
  if (release === undefined) throw new ApiError("not-found", "There is no such release.");
  const order = new Order(request);
  const sums = await addUp(options, request, release, order);
  const waveTotals = sizesOf(request, sums.chosen);
  const why = whyNot(sums, release, request);
  const refusals = [
    ...(await refusalOfFiles(options, request.releaseId)),
    refusalOfRelease(release, await imagesOf(db, release.id), options.trust),
    why === undefined ? undefined : { what: `It can't be made: ${why}.`, todo: "Change the target or the release." },
    await refusalOfApproval(db, rulesOfWaves(request, waveTotals.length), { by, scope: request.scope }),
    ...(await refusalsOfSuperseded(db, request)),
  ].filter((each) => each !== undefined);
  const numbers = {
    matched: sums.matched,
    chosen: sums.chosen,
    leftOut: (Object.entries(sums.misfits) as [Misfit, Some][]).map(([misfit, some]) => shownFor(misfit, some)),
    alreadyThere: sums.alreadyThere,
    newer: sums.newerToUpdate,
    offline: sums.offline,
    wouldReject: rejectionOrder
      .filter((reason) => sums.rejections.has(reason))
      .map((reason) => shownFor(reason, sums.rejections.get(reason)!)),
    otherRollouts: otherRolloutsIn(sums.otherRollouts),
    waves: await order.waves(waveTotals),
  };
  const problems = problemsOf(numbers, {
    refusals,
    stop: options.brake.stop,
    strangers: sums.strangers,
    onTrial: sums.onTrial,
    urgent: request.urgent,
    order: request.order,
    supersedes: request.supersedes,
  });
  return { ...numbers, problems };
}
