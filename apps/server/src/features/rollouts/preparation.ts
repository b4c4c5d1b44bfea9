// A rollout for many devices is made a piece at a time (carrying-out.ts); the call that asks for it is answered before.
//
//   choosing   devices are looked through by their ids; those that the release fits are noted with the place that they
//              have in the order of the waves
//   making     when all are known, so are the waves: the rollout starts, and each device gets its deployment, in that
//              order; a wave starts when all of its devices have theirs
//   dropping   it is over before all of it is made: what is noted is removed
//
// Who is in which wave rests on release, name, device and who was there, and on nothing of the pieces. What a small
// rollout would have been refused for is found when the devices are known: then it ends as cancelled, and its
// decisions say why.

import { imageFor, runsNewer } from "@flipside/api/release-fit";
import type { CompleteNewRollout as NewRollout, Misfit } from "@flipside/api/types";
import { rolloutTransitions } from "@flipside/api/rollout-transitions";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import { newId } from "../../identifiers.ts";
import type { DeviceRow, ReleaseRow, RolloutRow } from "../../storage/schema.ts";
import type { Queries, Work } from "../../storage/storage.ts";
import { scopeIn } from "../../storage/stored-scope.ts";
import { healthOf } from "../deployments/health-looks.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addDecisions, lockRollout } from "../deployments/store.ts";
import type { Presence } from "../device-records/presence.ts";
import { findDevices, runningOf } from "../device-records/store.ts";
import { imagesOf, lockRelease, releaseOf } from "../releases/stored.ts";
import { withLimits } from "./health-limits.ts";
import { placeOf, seedOf, sizesOf } from "./dealing.ts";
import { insertDeployments, insertRow, rowAsked } from "./insert-rollout.ts";
import { type NewRolloutOptions, refusalOfApproval, refusalOfFiles, refusalOfRelease } from "./new-rollout.ts";
import { asError } from "./refusal.ts";
import { named, nobody, type Some, someOf, together } from "./some-of.ts";
import { requestInParts, type ScopedRequest } from "./stored-request.ts";
import { refusalsOfSuperseded, supersede } from "./superseding.ts";
import { misfitOf, misfitWords, nextCandidates } from "./targets.ts";
import { rulesOfWaves } from "./wave-rules.ts";
import { pastNoReturn } from "./ways-back.ts";

export interface Preparation {
  stage: "choosing" | "making" | "dropping";
  /** Looked at so far: the last device's id, or how many of those that are named. */
  after: string;
  /** That the target names or means, and of these the ones that the release fits, so far. */
  matched: number;
  chosen: number;
  misfits: Partial<Record<Misfit, Some>>;
  newer: Some;
  /** Deployments so far, and waves that have all of theirs. */
  made: number;
  wavesMade: number;
  /**
   * Its deployments have this position and those after it, so many: rollouts that are made later come later, though
   * this one is not whole yet.
   */
  position: number;
  positions: number;
}

export const preparationIn = ({ preparing }: Pick<RolloutRow, "preparing">): Preparation | undefined =>
  preparing === null ? undefined : (JSON.parse(preparing) as Preparation);

/** Of a rollout whose deployments get these positions. */
export const begun = (position: number, positions: number): Preparation => ({
  position,
  positions,
  stage: "choosing",
  after: "",
  matched: 0,
  chosen: 0,
  misfits: {},
  newer: nobody,
  made: 0,
  wavesMade: 0,
});

/** No more devices than these can be meant, unless some enrol meanwhile. */
async function targetsMax(db: Queries, target: NewRollout["target"]): Promise<number> {
  if ("deviceIds" in target) return target.deviceIds.length;
  const { devices } = await db
    .selectFrom("deviceCounts")
    .select((q) => q.fn.sum<number | null>("count").as("devices"))
    .executeTakeFirstOrThrow();
  return Number(devices ?? 0);
}

/** Returns its id. Throws ApiError for what can be told at once. */
export async function beginPreparation(
  options: NewRolloutOptions,
  request: ScopedRequest,
  by: string,
): Promise<string> {
  const { releaseId, target, waves, scope, ...rest } = request;
  const [unserved] = await refusalOfFiles(options, releaseId);
  if (unserved !== undefined) throw asError(unserved);
  const id = newId();
  await options.storage.transaction(async (work) => {
    const { db } = work;
    const release = await lockRelease(db, releaseId);
    if (release === undefined) throw new ApiError("not-found", "There is no such release.");
    const refusal =
      refusalOfRelease(release, await imagesOf(db, releaseId), options.trust) ??
      (await refusalOfApproval(db, rulesOfWaves(request, waves.length + 1), { by, scope })) ??
      (await refusalsOfSuperseded(db, request))[0];
    if (refusal !== undefined) throw asError(refusal);
    if ("filter" in target) await options.filtering.sought(db, target.filter, "target.filter", scope);
    const positions = await targetsMax(db, target);
    const position = await options.storage.reservePositions(db, positions);
    await insertRow(
      work,
      { ...rowAsked(request, { id, by }), waveTotals: [], rules: [], health: null },
      { at: options.clock.wallMs(), preparing: JSON.stringify(begun(position, positions)) },
    );
    await db
      .insertInto("rolloutRequests")
      .values({ rolloutId: id, request: JSON.stringify({ releaseId, target, waves, ...rest }) })
      .execute();
    work.changed({ kind: "rollout", id });
  });
  return id;
}

export type PreparationOptions = Pick<
  NewRolloutOptions,
  "filtering" | "presence" | "engineRoom" | "clock" | "pieceMax"
>;

/** The next piece of a rollout's making; whether there is more. */
export function createPreparation(options: PreparationOptions): (work: Work, rolloutId: string) => Promise<boolean> {
  /** A request may name a hundred thousand devices. */
  let known: { rolloutId: string; request: NewRollout | undefined } | undefined;

  /** Undefined: nobody asked for it, it is a roll-back's. */
  async function requestOf(db: Queries, rolloutId: string): Promise<NewRollout | undefined> {
    if (known?.rolloutId !== rolloutId) known = { rolloutId, request: await requestInParts(db, rolloutId) };
    return known.request;
  }

  return async (work, rolloutId) => {
    const row = await lockRollout(work.db, rolloutId);
    const preparation = row && preparationIn(row);
    if (row === undefined || preparation === undefined) return false;
    const isOver = row.state !== "running" && row.state !== "paused";
    const request = await requestOf(work.db, rolloutId);
    const making = new Making(options, work, row, request);
    if (isOver || preparation.stage === "dropping") return making.drop(preparation);
    if (preparation.stage === "making") return making.make(preparation);
    // A roll-back's devices are noted by that (roll-back-pieces.ts).
    return request !== undefined && making.choose(preparation);
  };
}

/** What a smaller rollout would be refused for; undefined: nothing. */
export function whyNot(
  { matched, chosen, misfits, newer }: Pick<Preparation, "matched" | "chosen" | "misfits" | "newer">,
  { version }: ReleaseRow,
  { target, allowOlder, continuous }: NewRollout,
): string | undefined {
  // They may be still to come.
  if (chosen === 0 && continuous) return undefined;
  const unfit = misfitWords((misfit) => misfits[misfit]?.count ?? 0);
  if (chosen === 0) return matched === 0 ? "its target has no device" : `none of its devices can be updated: ${unfit}`;
  if (unfit !== "" && !("filter" in target)) {
    const some = Object.values(misfits).map((each) => named(each));
    return `of the devices that it names some can't be updated: ${unfit} (${some.join("; ")})`;
  }
  return newer.count > 0 && !allowOlder
    ? `${named(newer)} run a newer release than ${version}; set allowOlder to go back`
    : undefined;
}

/** One piece, in its transaction and behind the rollout's lock. */
class Making {
  readonly #options: PreparationOptions;
  readonly #work: Work;
  readonly #row: RolloutRow;
  readonly #asked: NewRollout | undefined;

  constructor(options: PreparationOptions, work: Work, row: RolloutRow, request: NewRollout | undefined) {
    this.#options = options;
    this.#work = work;
    this.#row = row;
    this.#asked = request;
  }

  /** Its devices are chosen by this, so somebody asked for it. */
  get #request(): NewRollout {
    return this.#asked!;
  }

  get #clock(): Clock {
    return this.#options.clock;
  }

  get #presence(): Presence {
    return this.#options.presence;
  }

  get #engineRoom(): EngineRoom {
    return this.#options.engineRoom;
  }

  async #keep(
    preparation: Preparation | null,
    change: Partial<Pick<RolloutRow, "waveTotals" | "rules" | "health" | "state" | "finishedAt">> = {},
  ): Promise<void> {
    await this.#work.db
      .updateTable("rollouts")
      .set({ ...change, preparing: preparation === null ? null : JSON.stringify(preparation) })
      .where("id", "=", this.#row.id)
      .execute();
    this.#work.changed({ kind: "rollout", id: this.#row.id });
  }

  async choose(before: Preparation): Promise<boolean> {
    const { db } = this.#work;
    const release = (await releaseOf(db, this.#row.releaseId))!;
    const images = await imagesOf(db, release.id);
    const { candidates, through } = await nextCandidates(
      this.#options,
      db,
      { target: this.#request.target, product: release.product, scope: scopeIn(this.#row) },
      before.after,
    );
    const preparation: Preparation = { ...before, matched: before.matched + candidates.length };
    const targets: { rolloutId: string; place: string; deviceId: string; digest: string }[] = [];
    candidates.forEach(({ id, row }, i) => {
      const misfit = misfitOf(row, release.product, images);
      if (misfit !== undefined) {
        const { misfits } = preparation;
        preparation.misfits = { ...misfits, [misfit]: together(misfits[misfit] ?? nobody, someOf([id])) };
        return;
      }
      if (runsNewer(runningOf(row!), release)) preparation.newer = together(preparation.newer, someOf([id]));
      const place = this.#placeOf(id, Number(before.after) + i);
      targets.push({ rolloutId: this.#row.id, place, deviceId: id, digest: imageFor(images, row!)!.digest });
    });
    if (targets.length > 0) await db.insertInto("rolloutTargets").values(targets).execute();
    preparation.chosen += targets.length;
    if (through === undefined) return this.#start(preparation, release);
    await this.#keep({ ...preparation, after: through });
    return true;
  }

  /** `index`: of those that are named. */
  #placeOf(id: string, index: number): string {
    const { order, target } = this.#request;
    const asListed = "deviceIds" in target ? String(index).padStart(8, "0") : id;
    const byChance = placeOf(seedOf(this.#request), id);
    if (order !== "online-first") return order === "as-listed" ? asListed : byChance;
    // A list is somebody's order already.
    return `${this.#presence.isAway(id) ? 1 : 0} ${"deviceIds" in target ? asListed : byChance}`;
  }

  /** Every device is known. */
  async #start(preparation: Preparation, release: ReleaseRow): Promise<boolean> {
    const why = whyNot(preparation, release, this.#request);
    if (why !== undefined) return this.#refuse(preparation, why);
    const { supersedes } = this.#request;
    const [stays] = await refusalsOfSuperseded(this.#work.db, { supersedes, scope: scopeIn(this.#row) });
    if (stays !== undefined) return this.#refuse(preparation, stays.what);
    const { health } = this.#request;
    const waveTotals = sizesOf(this.#request, preparation.chosen);
    const rules = rulesOfWaves(this.#request, waveTotals.length);
    let limits: NewRollout["health"];
    try {
      limits = health === null ? null : withLimits(health, await this.#sample());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return this.#refuse(preparation, error.message);
    }
    await this.#keep(
      { ...preparation, stage: "making" },
      {
        waveTotals: JSON.stringify(waveTotals),
        rules: JSON.stringify(rules),
        health: limits === null ? null : JSON.stringify(limits),
      },
    );
    const leftOut = misfitWords((misfit) => preparation.misfits[misfit]?.count ?? 0);
    const { id, name, createdBy: by } = this.#row;
    await this.#engineRoom.apply(this.#work, id, async () => ({ type: "started", leftOut }));
    await supersede(this.#options, this.#work, this.#request.supersedes, { by, to: { id, name } });
    return true;
  }

  /** Of the first devices, whose order is by chance unless somebody gave them one. */
  #sample(): Promise<DeviceRow[]> {
    const { db } = this.#work;
    const first = db
      .selectFrom("rolloutTargets")
      .select("deviceId")
      .where("rolloutId", "=", this.#row.id)
      .orderBy("place")
      .limit(sampleMax);
    return db.selectFrom("devices").selectAll().where("id", "in", first).where("metricName", "is not", null).execute();
  }

  async #refuse(preparation: Preparation, why: string): Promise<boolean> {
    const at = this.#clock.wallMs();
    await this.#keep({ ...preparation, stage: "dropping" }, { state: rolloutTransitions.cancel.to, finishedAt: at });
    await addDecisions(this.#work.db, this.#row.id, [`not made: ${why}`], at);
    return true;
  }

  async make(before: Preparation): Promise<boolean> {
    const { db } = this.#work;
    const { id, waveTotals: stored } = this.#row;
    const waveTotals = JSON.parse(stored) as number[];
    const next = await db
      .selectFrom("rolloutTargets")
      .select(["place", "deviceId", "digest"])
      .where("rolloutId", "=", id)
      .orderBy("place")
      .limit(this.#options.pieceMax)
      .execute();
    const devices = await findDevices(
      db,
      next.map(({ deviceId }) => deviceId),
    );
    const images = new Map((await imagesOf(db, this.#row.releaseId)).map((image) => [image.digest, image]));
    const changing = this.#asked === undefined ? await changingOf(db, [...devices.keys()]) : undefined;
    const targets = next.map(({ deviceId, digest }) => ({
      device: devices.get(deviceId)!,
      image: images.get(digest)!,
      isChanging: changing?.has(deviceId) === true,
    }));
    const row = { id, waveTotals, health: healthOf(this.#row) };
    await insertDeployments(this.#work, row, targets, {
      made: before.made,
      at: this.#clock.wallMs(),
      positions: { first: before.position, count: before.positions },
    });
    if (next.length > 0)
      await db
        .deleteFrom("rolloutTargets")
        .where("rolloutId", "=", id)
        .where("place", "<=", next.at(-1)!.place)
        .execute();
    const made = before.made + next.length;
    const isWhole = made >= before.chosen;
    const wavesMade = isWhole ? waveTotals.length : wavesWithin(waveTotals, made);
    await this.#keep(isWhole ? null : { ...before, made, wavesMade });
    // Its devices are those of its deployments.
    if (isWhole) await db.deleteFrom("rolloutRequests").where("rolloutId", "=", id).execute();
    // A wave that was waited for is there.
    if (wavesMade > before.wavesMade)
      await this.#engineRoom.apply(this.#work, id, async () => ({ type: "time-passed" }));
    return !isWhole;
  }

  /** What its waves have is what was made of them. */
  async drop(before: Preparation): Promise<boolean> {
    const { db } = this.#work;
    const { id } = this.#row;
    const some = await db
      .selectFrom("rolloutTargets")
      .select("place")
      .where("rolloutId", "=", id)
      .orderBy("place")
      .limit(this.#options.pieceMax)
      .execute();
    if (some.length > 0) {
      await db
        .deleteFrom("rolloutTargets")
        .where("rolloutId", "=", id)
        .where("place", "<=", some.at(-1)!.place)
        .execute();
      await this.#keep({ ...before, stage: "dropping" });
      return true;
    }
    let left = before.made;
    const made = (JSON.parse(this.#row.waveTotals) as number[]).map((total) => {
      const size = Math.min(total, left);
      left -= size;
      return size;
    });
    await this.#keep(null, { waveTotals: JSON.stringify(made) });
    return false;
  }
}

/** Those of a roll-back that are past their point of no return with what they are to leave. */
async function changingOf(db: Queries, deviceIds: readonly string[]): Promise<Set<string>> {
  if (deviceIds.length === 0) return new Set();
  const rows = await db
    .selectFrom("deployments")
    .select("deviceId")
    .where("deviceId", "in", deviceIds)
    .where("state", "in", pastNoReturn)
    .execute();
  return new Set(rows.map(({ deviceId }) => deviceId));
}

const sampleMax = 5_000;

/** How many of the first waves have all of their devices among so many. */
function wavesWithin(waveTotals: readonly number[], made: number): number {
  let through = 0;
  const open = waveTotals.findIndex((total) => (through += total) > made);
  return open < 0 ? waveTotals.length : open;
}
