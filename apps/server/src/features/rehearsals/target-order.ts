// Whom a rollout would be for, wave by wave, by the same code as a rollout goes by: planned as one that is made whole,
// or, for more devices than that, walked through a piece at a time, of each of which its id and its place are kept.

import { imageFor, runsNewer } from "@flipside/api/release-fit";
import type { WaveRules } from "@flipside/api/types";
import { ApiError } from "../../http/errors.ts";
import type { DeviceRow, ImageRow } from "../../storage/schema.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import { runsConfirmed } from "../deployments/hindrances.ts";
import { findDevices, runningOf } from "../device-records/store.ts";
import { imagesOf, releaseOf } from "../releases/stored.ts";
import { placeOf, seedOf, sizesOf } from "../rollouts/dealing.ts";
import { type NewRolloutOptions, planRollout, refusalOfFiles, refusalOfRelease } from "../rollouts/new-rollout.ts";
import { asError } from "../rollouts/refusal.ts";
import type { ScopedRequest } from "../rollouts/stored-request.ts";
import { misfitOf, nextCandidates } from "../rollouts/targets.ts";
import { rulesOfWaves } from "../rollouts/wave-rules.ts";
import { isMadeInPieces } from "../rollouts/whole-or-pieces.ts";
import type { SampledDevice } from "./fleet-snapshot.ts";
import { evenly, sampleSizes } from "./sampling.ts";

export interface OrderedTarget {
  waves: { total: number; rules: WaveRules; sample: Omit<SampledDevice, "isOnline" | "lastSeenAtMs">[] }[];
  /** Of the sampled devices, by id. */
  rows: ReadonlyMap<string, DeviceRow>;
}

function sampled(row: DeviceRow, images: readonly ImageRow[]): OrderedTarget["waves"][number]["sample"][number] {
  const { digest, payloadBytes } = imageFor(images, row)!;
  const version = runningOf(row)?.version ?? null;
  return { id: row.id, hardware: row.hardware!, version, isThere: runsConfirmed(row, digest), payloadBytes };
}

/** `idAt`: of the device that stands there, from 0 on, first wave first. */
async function sample(
  { storage }: NewRolloutOptions,
  images: readonly ImageRow[],
  { totals, rules, most, idAt }: { totals: number[]; rules: WaveRules[]; most: number; idAt: (at: number) => string },
): Promise<OrderedTarget> {
  const sizes = sampleSizes(totals, most);
  let from = 0;
  const idsOf = totals.map((total, wave) => {
    const ids = evenly(total, sizes[wave]!).map((at) => idAt(from + at));
    from += total;
    return ids;
  });
  const rows = await findDevices(storage.db, idsOf.flat());
  const waves = totals.map((total, wave) => ({
    ...{ total, rules: rules[wave]! },
    sample: idsOf[wave]!.flatMap((id) => {
      const row = rows.get(id);
      // One that was deleted a moment ago, or is of other hardware now.
      return row === undefined || imageFor(images, row) === undefined ? [] : [sampled(row, images)];
    }),
  }));
  return { waves, rows };
}

async function ofMany(options: NewRolloutOptions, request: ScopedRequest, most: number): Promise<OrderedTarget> {
  const { db } = options.storage;
  const release = await releaseOf(db, request.releaseId);
  if (release === undefined) throw new ApiError("not-found", "There is no such release.");
  const images = await imagesOf(db, release.id);
  const refusal = refusalOfRelease(release, images, options.trust);
  if (refusal !== undefined) throw asError(refusal);
  const { order, target, scope, allowOlder } = request;
  const seed = seedOf(request);
  const isByChance = order === "random" || (order === "online-first" && !("deviceIds" in target));
  const here: { id: string; place: string }[] = [];
  const away: typeof here = [];
  for (let after: string | undefined = ""; after !== undefined; await turnOfTheLoop()) {
    const { candidates, through } = await nextCandidates(
      options,
      db,
      { target, scope, product: release.product },
      after,
    );
    after = through;
    for (const { id, row } of candidates) {
      if (misfitOf(row, release.product, images) !== undefined) continue;
      if (runsNewer(runningOf(row!), release) && !allowOlder)
        throw new ApiError(
          "release-older",
          `${id} runs a newer release than ${release.version}. Set allowOlder to go back.`,
        );
      const isLast = order === "online-first" && options.presence.isAway(id);
      (isLast ? away : here).push({ id, place: isByChance ? placeOf(seed, id) : "" });
    }
  }
  const byPlace = (one: { place: string }, other: { place: string }): number =>
    one.place < other.place ? -1 : one.place > other.place ? 1 : 0;
  const ordered = [...here.sort(byPlace), ...away.sort(byPlace)];
  if (ordered.length === 0) throw new ApiError("no-devices", "None of the target's devices can be updated.");
  const totals = sizesOf(request, ordered.length);
  const rules = rulesOfWaves(request, totals.length);
  return sample(options, images, { totals, rules, most, idAt: (at) => ordered[at]!.id });
}

/** Throws ApiError when such a rollout would be refused. `most`: devices that are simulated. */
export async function orderedTarget(
  options: NewRolloutOptions,
  request: ScopedRequest,
  by: string,
  most: number,
): Promise<OrderedTarget> {
  if (await isMadeInPieces(options, request)) return ofMany(options, request, most);
  const plan = await planRollout(options, options.storage.db, request, by);
  const [refusal] = [...(await refusalOfFiles(options, request.releaseId)), ...plan.refusals];
  if (refusal !== undefined) throw asError(refusal);
  const { devices, images, waveTotals: totals, rules } = plan;
  if (devices.length === 0) throw new ApiError("no-devices", "The target has no device yet: there is nothing to play.");
  return sample(options, images, { totals, rules, most, idAt: (at) => devices[at]!.id });
}
