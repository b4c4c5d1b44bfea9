// Waves that have not begun are given other sizes while the rollout runs. Their devices are dealt anew in the order in
// which they were dealt first; nobody who is in a wave that has begun moves.

import { laterWaveSizes } from "@flipside/api/rollout-arithmetic";
import type { CompleteNewRollout as NewRollout, LaterWave, WaveRules } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import { ApiError } from "../../http/errors.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addCounts, type Count, rulesOf } from "../deployments/store.ts";
import { requestOf } from "./stored-request.ts";
import { withOwnRules } from "./wave-rules.ts";
import { counted } from "../../domain/counted.ts";

interface Waiting {
  id: string;
  deviceId: string;
  /** Order in which they were dealt. */
  position: number;
  state: DeploymentStateName;
}

/** What becomes of the waves that have not begun. */
interface Resized {
  row: RolloutRow;
  /** Those of the waves that have not begun, in their order. */
  waiting: Waiting[];
  /** Devices of each wave, of those that have begun as before. */
  totals: number[];
  rules: WaveRules[];
  what: string;
}

const many = (sizes: readonly number[]): string =>
  `${counted(sizes.length, "wave")} of ${sizes.join(", ")} ${sizes.join() === "1" ? "device" : "devices"}`;

/** Behind the rollout's lock. */
async function resized(db: Queries, row: RolloutRow, specs: readonly LaterWave[]): Promise<Resized> {
  const begun = row.currentWave + 1;
  const before = JSON.parse(row.waveTotals) as number[];
  const rulesBefore = rulesOf(row);
  const waiting = await db
    .selectFrom("deployments")
    .select(["id", "deviceId", "position", "state"])
    .where("rolloutId", "=", row.id)
    .where("wave", ">=", begun)
    .orderBy("position")
    .execute();
  const total = before.reduce((sum, size) => sum + size, 0);
  const sizes = laterWaveSizes(specs, { total, begun: total - waiting.length });
  // Who comes to match joins the last wave, and is not to be in one that was given a size.
  const takesAll = specs.some((spec) => "percent" in spec && spec.percent === 100);
  if (row.targetOpen && sizes.length === specs.length && !takesAll) sizes.push(0);
  const last = rulesBefore.at(-1)!;
  return {
    row,
    waiting,
    totals: [...before.slice(0, begun), ...sizes],
    rules: [
      ...rulesBefore.slice(0, begun),
      ...sizes.map((_, wave) => withOwnRules(rulesBefore[begun + wave] ?? last, specs[wave] ?? {})),
    ],
    what: `${many(before.slice(begun))} have become ${many(sizes)}`,
  };
}

/** Throws ApiError when one of the given waves would have no device. */
function refuseEmpty({ row, totals }: Resized, specs: readonly LaterWave[]): void {
  const begun = row.currentWave + 1;
  const empty = specs.findIndex((_, wave) => totals[begun + wave] === 0);
  if (empty < 0) return;
  const message = "nothing is left for it: a percentage is of the whole target, with all that the waves before have";
  throw new ApiError("validation-failed", `Wave ${begun + empty + 1} would have no device: ${message}.`, {
    errors: [{ path: `waves.${empty}`, message }],
  });
}

/** How its waves are said from now on, for whoever makes the like of it. */
function requestWith(row: RolloutRow, specs: readonly LaterWave[]): string | null {
  const request = requestOf(row);
  if (request === undefined) return null;
  const begun: NewRollout["waves"] = request.waves.slice(0, row.currentWave + 1);
  return JSON.stringify({ ...request, waves: [...begun, ...specs] });
}

async function store(work: Work, { row, waiting, totals }: Resized, specs: readonly LaterWave[]): Promise<void> {
  const { db } = work;
  const { id: rolloutId, currentWave } = row;
  const counts: Count[] = [];
  let from = 0;
  for (let wave = currentWave + 1; wave < totals.length; wave++) {
    const part = waiting.slice(from, (from += totals[wave]!));
    if (part.length === 0) continue;
    counts.push(...part.map(({ state }) => ({ wave, state, count: 1 })));
    // They were dealt in the order of their positions, so a wave has all between its first and its last.
    await db
      .updateTable("deployments")
      .set({ wave })
      .where("rolloutId", "=", rolloutId)
      .where("wave", ">", currentWave)
      .where("position", ">=", part[0]!.position)
      .where("position", "<=", part.at(-1)!.position)
      .execute();
  }
  await db.deleteFrom("deploymentCounts").where("rolloutId", "=", rolloutId).where("wave", ">", currentWave).execute();
  await addCounts(db, rolloutId, counts);
  await db
    .updateTable("rollouts")
    .set({ waveTotals: JSON.stringify(totals), request: requestWith(row, specs) })
    .where("id", "=", rolloutId)
    .execute();
  work.changed({ kind: "targets", id: rolloutId, deployments: waiting.map(({ id, deviceId }) => ({ id, deviceId })) });
}

/** Throws ApiError. */
export async function resizeLaterWaves(
  { storage, engineRoom }: { storage: Storage; engineRoom: EngineRoom },
  id: string,
  specs: readonly LaterWave[],
  by: string,
): Promise<void> {
  await storage.transaction(async (work) => {
    let plan: Resized | undefined;
    const changes = await engineRoom.apply(work, id, async () => {
      const row = await work.db.selectFrom("rollouts").selectAll().where("id", "=", id).executeTakeFirst();
      if (row === undefined) return undefined;
      if (row.preparing !== null)
        throw new ApiError(
          "rollout-state",
          "The rollout is still being made; its waves can be resized when it is whole.",
        );
      plan = await resized(work.db, row, specs);
      return { type: "resize-waves", by, rules: plan.rules, what: plan.what };
    });
    if (changes === undefined || plan === undefined) throw new ApiError("not-found", "There is no such rollout.");
    if (changes.refused !== undefined) throw new ApiError("rollout-state", `This is not possible: ${changes.refused}.`);
    refuseEmpty(plan, specs);
    await store(work, plan, specs);
    // Its gates are asked of the waves as they are now.
    await engineRoom.apply(work, id, async () => ({ type: "time-passed" }));
  });
}
