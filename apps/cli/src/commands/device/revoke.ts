// `flipside device revoke`

import { command } from "../../command-line/command.ts";

export const revokeDevice = command({
  name: "device revoke",
  summary: "Refuse a device from now on: its connection is closed, and what it was to do ends",
  arguments: [{ name: "DEVICE", what: "its id" }],
  options: {},
  examples: ["flipside device revoke kitchen-7"],
  connects: true,
  run: async ({ words, connect }) => {
    const device = await connect()("POST /api/v1/devices/:id/revoke", { params: { id: words[0]! } });
    return { json: device, text: `${device.id} is revoked; flipside device unrevoke ${device.id} takes it back` };
  },
});
