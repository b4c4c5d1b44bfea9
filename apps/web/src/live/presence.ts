// Which of some devices are online: beside what is listed of them and does not say so.

import { filterCharactersMax, pageMembersMax } from "@flipside/api/limits";
import type { LiveEvent } from "@flipside/api/types";
import { devicePage } from "../api/devices.ts";
import { Resource } from "./resource.ts";

/** By the devices' ids. */
export type Presence = ReadonlyMap<string, boolean>;

/** In filters as long as a server reads, for as many devices as it answers at once. */
export function idFilters(deviceIds: readonly string[]): string[] {
  const filters: string[] = [];
  let ids: string[] = [];
  const filterOf = (of: readonly string[]): string => `id in (${of.map((id) => JSON.stringify(id)).join(", ")})`;
  for (const id of deviceIds) {
    if (ids.length === pageMembersMax || filterOf([...ids, id]).length > filterCharactersMax) {
      filters.push(filterOf(ids));
      ids = [];
    }
    ids.push(id);
  }
  return ids.length === 0 ? filters : [...filters, filterOf(ids)];
}

async function load(deviceIds: readonly string[]): Promise<Presence> {
  const pages = await Promise.all(
    idFilters(deviceIds).map((filter) => devicePage({ filter, limit: String(pageMembersMax) })),
  );
  return new Map(pages.flatMap(({ devices }) => devices.map(({ id, online }) => [id, online] as const)));
}

function apply(presence: Presence, events: readonly LiveEvent[]): Presence {
  const news = events.flatMap(({ kind, data }) =>
    kind === "device" && presence.has(data.id) && presence.get(data.id) !== data.online
      ? [[data.id, data.online] as const]
      : [],
  );
  return news.length === 0 ? presence : new Map([...presence, ...news]);
}

export const presenceOf = (deviceIds: readonly string[]): Resource<Presence> =>
  new Resource({ load: () => load(deviceIds), apply, showsUnstored: true });
