// Who is in which wave: in the order that the rollout wants, or by a wave's own filter.

import { createHash } from "node:crypto";
import { dealtInWaves, filterOf, waveSizes } from "@flipside/api/rollout-arithmetic";
import type { CompleteNewRollout as NewRollout } from "@flipside/api/types";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Presence } from "../device-records/presence.ts";
import type { Filtering } from "../devices/filtering.ts";
import type { Refusal } from "./refusal.ts";

/** The same for a rollout and its pre-flight: by what the operator sees of it. */
export const seedOf = ({ releaseId, name }: Pick<NewRollout, "releaseId" | "name">): string => `${releaseId} ${name}`;

/** Where a device stands by chance, whoever else is there. */
export const placeOf = (seed: string, deviceId: string): string =>
  createHash("sha256").update(`${seed} ${deviceId}`).digest("hex");

/** As the rollout's waves take them, first to last. */
function inOrder(
  devices: DeviceRow[],
  seed: string,
  { order, target }: Pick<NewRollout, "order" | "target">,
  presence: Presence,
): DeviceRow[] {
  const places = new Map(devices.map(({ id }) => [id, placeOf(seed, id)]));
  const byPlace = (one: DeviceRow, other: DeviceRow): number => (places.get(one.id)! < places.get(other.id)! ? -1 : 1);
  if (order === "as-listed") return devices;
  if (order === "random") return [...devices].sort(byPlace);
  // A list is somebody's order already.
  const ordered = "deviceIds" in target ? devices : [...devices].sort(byPlace);
  const isAway = ({ id }: DeviceRow): boolean => presence.isAway(id);
  return [...ordered.filter((device) => !isAway(device)), ...ordered.filter(isAway)];
}

export interface DealingOptions {
  presence: Presence;
  filtering: Pick<Filtering, "among">;
}

/** Who comes later joins the last wave, which is not that of the canaries. */
function isOneShort({ waves, continuous }: Pick<NewRollout, "waves" | "continuous">, waveCount: number): boolean {
  const takesAll = waves.some((spec) => "percent" in spec && spec.percent === 100);
  return continuous && !takesAll && waveCount === waves.length;
}

/** How many devices each wave has, where none goes by a filter. */
export function sizesOf(request: Pick<NewRollout, "waves" | "continuous">, total: number): number[] {
  const sizes = waveSizes(request.waves, total);
  return isOneShort(request, sizes.length) ? [...sizes, 0] : sizes;
}

/** The devices of each wave. Throws ApiError when a wave's filter can't be read. */
export async function dealt(
  { presence, filtering }: DealingOptions,
  db: Queries,
  devices: DeviceRow[],
  request: NewRollout,
): Promise<DeviceRow[][]> {
  const meant = new Map<number, ReadonlySet<DeviceRow>>();
  for (const [wave, spec] of request.waves.entries()) {
    const filter = filterOf(spec);
    if (filter === undefined) continue;
    meant.set(wave, new Set(await filtering.among(db, devices, filter, `waves.${wave}.filter`, null)));
  }
  const ordered = inOrder(devices, seedOf(request), request, presence);
  const waves = dealtInWaves(request.waves, ordered, (wave, row) => meant.get(wave)!.has(row));
  return isOneShort(request, waves.length) ? [...waves, []] : waves;
}

/** A wave of canaries that means nobody would let everybody else begin at once. */
export function refusalsOfWaves(
  { waves, continuous }: Pick<NewRollout, "waves" | "continuous">,
  dealt: readonly DeviceRow[][],
): Refusal[] {
  if (!continuous && dealt.every(({ length }) => length === 0)) return [];
  return waves.flatMap((spec, wave) => {
    if (filterOf(spec) === undefined || dealt[wave]!.length > 0) return [];
    const what = `The filter of wave ${wave + 1} means no device of the target that the waves before have left.`;
    return [
      {
        code: "no-devices" as const,
        what,
        todo: "Put the filter right, put the wave before the others, or leave it out.",
        errors: [{ path: `waves.${wave}.filter`, message: what }],
      },
    ];
  });
}
