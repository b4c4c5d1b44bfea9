import type { QueryInputOf } from "@flipside/api/route";
import type { Routes } from "@flipside/api/routes";
import type { DeviceGroup, DeviceGroupPage } from "@flipside/api/types";
import { api } from "./http.ts";

type Grouped = Omit<NonNullable<QueryInputOf<Routes["groupDevices"]>>, "by"> & { by: string };

/** Of a bounded number of devices. */
export const groupDevices = (query: Grouped): Promise<DeviceGroupPage> => api("GET /api/v1/device-groups", { query });

async function* groupPages(filter: string, by: readonly string[]): AsyncGenerator<DeviceGroupPage> {
  for (let after: string | null | undefined; after !== null; ) {
    const page = await groupDevices({ filter, by: by.join(","), ...(after === undefined ? {} : { after }) });
    yield page;
    after = page.next;
  }
}

/**
 * How many devices have what in common, of all that the filter means: the largest group first. Undefined once
 * `isWanted` says that nobody waits for it any more.
 */
export async function countGroups(
  filter: string,
  by: readonly string[],
  isWanted: () => boolean,
): Promise<DeviceGroup[] | undefined> {
  const counts = new Map<string, DeviceGroup>();
  for await (const { groups } of groupPages(filter, by)) {
    for (const group of groups) {
      const key = JSON.stringify(group.values);
      counts.set(key, { ...group, count: group.count + (counts.get(key)?.count ?? 0) });
    }
    if (!isWanted()) return undefined;
  }
  return [...counts.values()].sort((one, two) => two.count - one.count);
}

export const countedGroups = async (filter: string, by: readonly string[]): Promise<DeviceGroup[]> =>
  (await countGroups(filter, by, () => true))!;

/** How many devices a filter means; `onCount` hears of those that were counted so far, and says whether to go on. */
export async function countDevices(filter: string, onCount: (sofar: number) => boolean): Promise<number> {
  let counted = 0;
  for await (const { devices } of groupPages(filter, ["agent"])) {
    counted += devices;
    if (!onCount(counted)) break;
  }
  return counted;
}
