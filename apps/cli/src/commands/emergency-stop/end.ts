// `flipside emergency-stop end`

import { command } from "../../command-line/command.ts";
import { stopText } from "../../emergency-stop-text.ts";

export const endStop = command({
  name: "emergency-stop end",
  summary: "Rollouts go on; what waits gets a new deadline",
  options: {},
  examples: ["flipside emergency-stop end"],
  connects: true,
  run: async ({ connect }) => {
    const stop = await connect()("POST /api/v1/emergency-stop/end");
    return { json: stop, text: stopText(stop) };
  },
});
