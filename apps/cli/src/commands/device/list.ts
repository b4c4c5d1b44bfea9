// `flipside device list`

import { pageMembersMax } from "@flipside/api/limits";
import type { Device } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";
import { readWhole } from "../../command-line/units.ts";
import { readFilter } from "../../rollouts/read-wave.ts";

const options = {
  filter: { value: "FILTER", what: "those that it means (docs/device-filter.md)", read: readFilter },
  search: {
    value: "WORDS",
    what: "those that have every word, in id, product, hardware, version or state; and not those of -word",
  },
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

async function run({ options: asked, connect }: Invocation<typeof options>) {
  const api = connect();
  const most = asked.limit ?? Number.POSITIVE_INFINITY;
  const query = { query: asked.search ?? "", filter: asked.filter ?? "", limit: String(pageMembersMax) };
  const devices: Device[] = [];
  // A page may be empty and not the last.
  for (let after: string | null | undefined; after !== null && devices.length < most; ) {
    const page = await api("GET /api/v1/devices", { query: after === undefined ? query : { ...query, after } });
    devices.push(...page.devices);
    after = page.next;
  }
  const shown = devices.slice(0, most);
  return { json: { devices: shown, next: null }, text: textOf(shown) };
}

export const listDevices = command({
  name: "device list",
  summary: "Devices, all of them or those that a filter means",
  options,
  examples: ["flipside device list --filter 'tag = canary and not online'"],
  connects: true,
  run,
});
