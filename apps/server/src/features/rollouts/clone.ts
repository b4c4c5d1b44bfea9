// The request that would make a rollout again: as it was asked for, with the rules that it has by now.

import type { CompleteNewRollout as NewRollout, HealthSettings, Maintenance, WaveRules } from "@flipside/api/types";
import { rolloutOrderDefault, wavesMax } from "@flipside/api/limits";
import { ApiError } from "../../http/errors.ts";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { retriesOf, rulesOf } from "../deployments/store.ts";
import { requestInParts, requestOf, type StoredRequest } from "./stored-request.ts";
import { rulesOfWaves } from "./wave-rules.ts";

type Size = { percent: number } | { count: number } | { count: number; filter: string } | { filter: string };
type Wave = NewRollout["waves"][number];

const isPast = (startAt: string | null, wallMs: number): boolean => startAt !== null && Date.parse(startAt) <= wallMs;

/** How many devices, or which, without its rules. */
function sizeOf(wave: Wave): Size {
  if ("percent" in wave) return { percent: wave.percent };
  if (!("count" in wave)) return { filter: wave.filter };
  return { count: wave.count, ...(wave.filter === undefined ? {} : { filter: wave.filter }) };
}

/** As an older server has made it, or a roll-back: of what its row says. */
function withoutRequest(row: RolloutRow): StoredRequest {
  const { name, releaseId, lateOffersMs, urgent, allowOlder, acceptsClaimed, targetOpen } = row;
  const sizes = (JSON.parse(row.waveTotals) as number[]).slice(0, -1);
  return {
    ...{ name, releaseId, lateOffersMs, urgent, allowOlder, acceptsClaimed, continuous: targetOpen },
    target: row.targetFilter === null ? "named" : { filter: row.targetFilter },
    waves: sizes.filter((size) => size > 0).map((count) => ({ count })),
    ...rulesOf(row).at(-1)!,
    startAt: null,
    order: rolloutOrderDefault,
    maintenance: row.maintenance === null ? null : (JSON.parse(row.maintenance) as Maintenance),
    retries: retriesOf(row),
    health: row.health === null ? null : (JSON.parse(row.health) as HealthSettings),
    supersedes: [],
  };
}

/**
 * Its waves with the rules that they have by now, where those are other than the request's. Starts that have passed are
 * left out.
 */
function wavesWith(request: StoredRequest, rules: readonly WaveRules[], wallMs: number): Wave[] {
  const asked = rulesOfWaves(request as NewRollout, rules.length);
  const sizes: Size[] = request.waves.map(sizeOf);
  const rest = sizes.length < rules.length && sizes.length < wavesMax ? [{ percent: 100 }] : [];
  const all = [...sizes, ...rest].map((size, wave): { wave: Wave; own: number } => {
    const said = request.waves[wave] ?? {};
    const now = rules[wave] ?? asked[wave];
    const own = Object.entries(now ?? {}).filter(
      ([name, value]) =>
        name in said || JSON.stringify(value) !== JSON.stringify(asked[wave]?.[name as keyof WaveRules]),
    );
    const kept = own.filter(([name, value]) => !(name === "startAt" && isPast(value as string | null, wallMs)));
    return { wave: { ...size, ...Object.fromEntries(kept) }, own: kept.length };
  });
  // What is left over is a wave by itself, unless its rules were changed.
  if (rest.length > 0 && all.at(-1)!.own === 0) all.pop();
  return all.map(({ wave }) => wave);
}

/** Throws ApiError when there is no such rollout. */
export async function cloneOf(db: Queries, id: string, wallMs: number): Promise<NewRollout> {
  const row = await db.selectFrom("rollouts").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined || row.deletedAt !== null) throw new ApiError("not-found", "There is no such rollout.");
  const request = requestOf(row) ?? withoutRequest(row);
  const deviceIds = async (): Promise<string[]> => {
    // Not all of them have deployments, or none has.
    const asked = await requestInParts(db, id);
    if (asked !== undefined && "deviceIds" in asked.target) return [...asked.target.deviceIds];
    const rows = await db
      .selectFrom("deployments")
      .select("deviceId")
      .where("rolloutId", "=", id)
      .orderBy("position")
      .execute();
    return rows.map(({ deviceId }) => deviceId);
  };
  // While its devices are chosen it has no rules yet.
  const rules =
    row.request !== null && row.rules === "[]"
      ? rulesOfWaves(request as NewRollout, request.waves.length + 1)
      : rulesOf(row);
  return {
    ...request,
    target: request.target === "named" ? { deviceIds: await deviceIds() } : request.target,
    waves: wavesWith(request, rules, wallMs),
    startAt: isPast(request.startAt, wallMs) ? null : request.startAt,
    supersedes: [],
  };
}
