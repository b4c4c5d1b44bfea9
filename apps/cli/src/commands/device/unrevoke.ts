// `flipside device unrevoke`

import { command } from "../../command-line/command.ts";

export const unrevokeDevice = command({
  name: "device unrevoke",
  summary: "Take back that a device is revoked: it comes in by what it came in by before",
  about: "Deployments that have ended stay so; rollouts that are open to devices that come later take it again.",
  arguments: [{ name: "DEVICE", what: "its id" }],
  options: {},
  examples: ["flipside device unrevoke kitchen-7"],
  connects: true,
  run: async ({ words, connect }) => {
    const device = await connect()("POST /api/v1/devices/:id/unrevoke", { params: { id: words[0]! } });
    return { json: device, text: `${device.id} is no longer revoked` };
  },
});
