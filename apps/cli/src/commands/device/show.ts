// `flipside device show`

import type { DeviceDetail } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { pairs } from "../../command-line/table.ts";

function textOf(device: DeviceDetail): string {
  const { running, other, activeDeployment: active } = device;
  const slot = (of: { slot: string; version: string | null; state: string }): string =>
    `${of.version ?? "nothing"} in slot ${of.slot}, ${of.state}`;
  const attributes = Object.entries(device.attributes).map(([name, value]) => `${name}=${value}`);
  return pairs([
    ["id", device.id],
    ["state", device.revoked ? "revoked" : device.online ? "online" : "offline"],
    ["health", device.health],
    ["last seen", device.lastSeenAt ?? "never"],
    [
      "product",
      `${device.product ?? "not known"}, hardware ${device.hardware ?? "not known"} ${device.revision ?? ""}`,
    ],
    ["running", running === null ? "not known" : slot(running)],
    [
      "other slot",
      other === null ? "not known" : `${slot(other)}${other.reasonName === null ? "" : ` (${other.reasonName})`}`,
    ],
    ["deployment", active === null ? "none" : `${active.state} of ${active.version}, ${active.rolloutName}`],
    ["configuration", device.configurationState],
    ["tags", device.tags.join(" ") || "none"],
    ...(attributes.length === 0 ? [] : [["attributes", attributes.join(" ")] as const]),
  ]);
}

export const showDevice = command({
  name: "device show",
  summary: "What is known of a device",
  arguments: [{ name: "DEVICE", what: "its id" }],
  options: {},
  examples: ["flipside device show kitchen-7"],
  connects: true,
  run: async ({ words, connect }) => {
    const device = await connect()("GET /api/v1/devices/:id", { params: { id: words[0]! } });
    return { json: device, text: textOf(device) };
  },
});
