// `flipside emergency-stop show`

import { command } from "../../command-line/command.ts";
import { stopText } from "../../emergency-stop-text.ts";

export const showStop = command({
  name: "emergency-stop show",
  summary: "Whether all updates are stopped, since when and why",
  options: {},
  examples: ["flipside emergency-stop show"],
  connects: true,
  run: async ({ connect }) => {
    const stop = await connect()("GET /api/v1/emergency-stop");
    return { json: stop, text: stopText(stop) };
  },
});
