// `flipside device list`

import { deviceCsvHead, deviceCsvLine } from "@flipside/api/device-csv";
import { type DeviceSort, deviceSorts, isDeviceSort } from "@flipside/api/device-sorts";
import { pageMembersMax } from "@flipside/api/limits";
import type { Device } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { table } from "../../command-line/table.ts";
import { readWhole } from "../../command-line/units.ts";
import { readFilter } from "../../rollouts/read-wave.ts";

function readSort(text: string): DeviceSort {
  if (!isDeviceSort(text)) throw new UsageError(`${text} is none of ${deviceSorts.join(", ")}`);
  return text;
}

const options = {
  filter: { value: "FILTER", what: "those that it means (docs/device-filter.md)", read: readFilter },
  search: {
    value: "WORDS",
    what: "those that have every word, in id, product, hardware, version or state; and not those of -word",
  },
  sort: {
    value: "ORDER",
    what: `${deviceSorts.join(", ")}; with a minus: the other way round (id)`,
    read: readSort,
    oneOf: deviceSorts,
  },
  csv: { what: "comma-separated values, with all that a list says of a device" },
  limit: { value: "N", what: "so many at most (all)", read: readWhole(1, 1_000_000) },
} as const;

const stateOf = ({ revoked, online }: Device): string => (revoked ? "revoked" : online ? "online" : "offline");

function textOf(devices: readonly Device[]): string {
  if (devices.length === 0) return "no devices";
  const rows = devices.map((device) => [
    device.id,
    device.running?.version ?? "-",
    device.hardware ?? "-",
    stateOf(device),
    device.health,
    device.activeDeployment === null ? "" : `${device.activeDeployment.state} ${device.activeDeployment.version}`,
    device.tags.join(" "),
  ]);
  return table(["ID", "VERSION", "HARDWARE", "STATE", "HEALTH", "DEPLOYMENT", "TAGS"], rows);
}

/** Without the last line break, which is printed behind every result. */
const csvOf = (devices: readonly Device[]): string =>
  (deviceCsvHead + devices.map(deviceCsvLine).join("")).replace(/\r\n$/, "\r");

async function run({ options: asked, connect }: Invocation<typeof options>) {
  const api = connect();
  const most = asked.limit ?? Number.POSITIVE_INFINITY;
  const words = { query: asked.search ?? "", filter: asked.filter ?? "", sort: asked.sort ?? "id" } as const;
  const query = { ...words, limit: String(pageMembersMax) };
  const devices: Device[] = [];
  // A page may be empty and not the last.
  for (let after: string | null | undefined; after !== null && devices.length < most; ) {
    const page = await api("GET /api/v1/devices", { query: after === undefined ? query : { ...query, after } });
    devices.push(...page.devices);
    after = page.next;
  }
  const shown = devices.slice(0, most);
  const text = asked.csv ? csvOf(shown) : textOf(shown);
  return { json: { devices: shown, next: null }, text };
}

export const listDevices = command({
  name: "device list",
  summary: "Devices, all of them or those that a filter means",
  options,
  examples: [
    "flipside device list --filter 'tag = canary and not online'",
    "flipside device list --sort lastSeenAt --limit 20",
    "flipside device list --csv",
  ],
  connects: true,
  run,
});
