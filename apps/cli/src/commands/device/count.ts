// `flipside device count`

import type { DeviceGroup } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";
import { readFilter } from "../../rollouts/read-wave.ts";

const BY_DEFAULT = "version";

const options = {
  by: {
    value: "FIELDS",
    what: "one to four, separated by commas: product, hardware, revision, version, slotState, health, bootReason, agent, revoked, tag, attribute.NAME (version)",
  },
  filter: { value: "FILTER", what: "those that it means (docs/device-filter.md)", read: readFilter },
} as const;

async function run({ options: { by = BY_DEFAULT, filter = "" }, connect }: Invocation<typeof options>) {
  const api = connect();
  const groups = new Map<string, DeviceGroup>();
  let devices = 0;
  for (let after: string | null | undefined; after !== null; ) {
    const query = { by, filter };
    const page = await api("GET /api/v1/device-groups", { query: after === undefined ? query : { ...query, after } });
    for (const { values, count } of page.groups) {
      const key = JSON.stringify(values);
      groups.set(key, { values, count: count + (groups.get(key)?.count ?? 0) });
    }
    devices += page.devices;
    after = page.next;
  }
  const sorted = [...groups.values()].sort((one, other) => other.count - one.count);
  const rows = sorted.map(({ values, count }) => [...values.map((value) => String(value ?? "-")), String(count)]);
  return {
    json: { by: by.split(","), devices, groups: sorted },
    text: devices === 0 ? "no devices" : table([...by.split(",").map((name) => name.toUpperCase()), "DEVICES"], rows),
  };
}

export const countDevices = command({
  name: "device count",
  summary: "How many devices have what in common, of all or of those that a filter means",
  about: "A device with several tags is counted with each of them.",
  options,
  examples: ["flipside device count --by product,version --filter 'not revoked'"],
  connects: true,
  run,
});
