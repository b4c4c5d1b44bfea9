// Whether a rollout is made whole, in the transaction of the call, or a piece at a time after it (preparation.ts).

import { filterOf } from "@flipside/api/rollout-arithmetic";
import type { CompleteNewRollout as NewRollout } from "@flipside/api/types";
import type { Queries } from "../../storage/storage.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import { nextStep, pageOfDevices } from "../devices/device-walk.ts";
import type { NewRolloutOptions } from "./new-rollout.ts";
import { releaseOf } from "../releases/stored.ts";
import { asError, type Refusal } from "./refusal.ts";
import type { ScopedRequest } from "./stored-request.ts";
import { soughtBy } from "./targets.ts";

/** What is made whole has the devices of at most so many pieces: some seconds in which nothing else is written. */
const wholePiecesMax = 80;

/** What a wave's filter leaves for the next ones is not known before all devices are. */
const firstByFilter = ({ waves }: Pick<NewRollout, "waves">): number =>
  waves.findIndex((spec) => filterOf(spec) !== undefined);

/** Whether it is for more devices than are dealt with while somebody waits. Throws ApiError. */
async function isLarge(
  options: NewRolloutOptions,
  db: Queries,
  { target, releaseId, scope }: Pick<ScopedRequest, "target" | "releaseId" | "scope">,
): Promise<boolean> {
  const { pieceMax } = options;
  if ("deviceIds" in target) return target.deviceIds.length > pieceMax;
  const release = await releaseOf(db, releaseId);
  if (release === undefined) return false;
  const sought = await soughtBy(options, db, target, { product: release.product, scope });
  return (await pageOfDevices(db, sought, { after: "", limit: pieceMax })).through !== undefined;
}

async function isForMoreThan(
  most: number,
  options: NewRolloutOptions,
  db: Queries,
  { target, releaseId, scope }: Pick<ScopedRequest, "target" | "releaseId" | "scope">,
): Promise<boolean> {
  if ("deviceIds" in target) return target.deviceIds.length > most;
  const { product } = (await releaseOf(db, releaseId))!;
  const sought = await soughtBy(options, db, target, { product, scope });
  let count = 0;
  for (let after: string | undefined = ""; after !== undefined && count <= most; await turnOfTheLoop()) {
    const step = await nextStep(db, sought, after, options.pieceMax);
    count += step.rows.length;
    after = step.through;
  }
  return count > most;
}

function refusalOfSize(wave: number, most: number): Refusal {
  const message = `only a rollout for at most ${most} devices may have a wave by a filter`;
  return {
    code: "validation-failed",
    what: `The rollout is for more than ${most} devices, and wave ${wave + 1} goes by a filter.`,
    todo: "Roll out to the devices that the filter means first, by a rollout of their own with it as the target; or narrow this one's target.",
    errors: [{ path: `waves.${wave}.filter`, message }],
  };
}

/** Throws ApiError when it is too large to be made whole, and can't be made otherwise; or its target can't be read. */
export async function isMadeInPieces(options: NewRolloutOptions, request: ScopedRequest): Promise<boolean> {
  const { db } = options.storage;
  if (!(await isLarge(options, db, request))) return false;
  const wave = firstByFilter(request);
  if (wave < 0) return true;
  const most = options.pieceMax * wholePiecesMax;
  if (await isForMoreThan(most, options, db, request)) throw asError(refusalOfSize(wave, most));
  return false;
}
