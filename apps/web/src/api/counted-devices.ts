import type { DeviceGroup } from "@flipside/api/types";
import { api } from "./http.ts";

/** How many devices have what in common, of all that the filter means. */
export async function countDevices(filter: string, by: readonly string[]): Promise<DeviceGroup[]> {
  const counts = new Map<string, DeviceGroup>();
  for (let after: string | null | undefined; after !== null; ) {
    const query = { filter, by: by.join(","), ...(after === undefined ? {} : { after }) };
    const page = await api("GET /api/v1/device-groups", { query });
    for (const group of page.groups) {
      const key = JSON.stringify(group.values);
      counts.set(key, { ...group, count: group.count + (counts.get(key)?.count ?? 0) });
    }
    after = page.next;
  }
  return [...counts.values()].sort((one, two) => two.count - one.count);
}
