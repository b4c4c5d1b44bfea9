// What a rollout was asked for with, as it is kept: how its waves were said, and who was to go first.

import { filterOf } from "@flipside/api/rollout-arithmetic";
import type { CompleteNewRollout as NewRollout } from "@flipside/api/types";
import type { Scope } from "@flipside/api/scope";
import type { RolloutRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

/** As it was asked for by somebody who sees these devices alone. */
export type ScopedRequest = NewRollout & { scope: Scope };

/** Devices that were named are those of its deployments, in their order. */
export type StoredRequest = Omit<NewRollout, "target"> & {
  target: Exclude<NewRollout["target"], { deviceIds: unknown }> | "named";
};

export const storedRequest = ({ target, scope: _, ...request }: ScopedRequest): StoredRequest => ({
  ...request,
  target: "deviceIds" in target ? "named" : target,
});

/** Undefined of a rollout that an older server has made. */
export const requestOf = ({ request }: Pick<RolloutRow, "request">): StoredRequest | undefined =>
  request === null ? undefined : (JSON.parse(request) as StoredRequest);

/** With the devices that it names, of a rollout that is made in pieces until it is whole, and of one that never was. */
export async function requestInParts(db: Queries, rolloutId: string): Promise<NewRollout | undefined> {
  const row = await db
    .selectFrom("rolloutRequests")
    .select("request")
    .where("rolloutId", "=", rolloutId)
    .executeTakeFirst();
  return row && (JSON.parse(row.request) as NewRollout);
}

/** Of each wave; null: it has none. */
export function waveFiltersOf(row: Pick<RolloutRow, "request">, waveCount: number): (string | null)[] {
  const waves = requestOf(row)?.waves ?? [];
  return Array.from({ length: waveCount }, (_, wave) => filterOf(waves[wave] ?? { percent: 100 }) ?? null);
}
