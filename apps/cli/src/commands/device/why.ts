// `flipside device why`

import { command } from "../../command-line/command.ts";
import { whyText } from "../../why-text.ts";

export const whyDevice = command({
  name: "device why",
  summary: "What a device waits for, and what can be done",
  arguments: [{ name: "DEVICE", what: "its id" }],
  options: {},
  examples: ["flipside device why kitchen-7"],
  connects: true,
  run: async ({ words, connect }) => {
    const why = await connect()("GET /api/v1/devices/:id/why", { params: { id: words[0]! } });
    return { json: why, text: whyText(why) };
  },
});
