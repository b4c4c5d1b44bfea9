// `flipside emergency-stop begin`

import { command } from "../../command-line/command.ts";
import { stopText } from "../../emergency-stop-text.ts";

export const beginStop = command({
  name: "emergency-stop begin",
  summary: "Stop all updates: no offer and no chunk to any device, until somebody ends it",
  arguments: [{ name: "REASON", what: "why, in one sentence; rollouts and people are told" }],
  options: {},
  examples: ["flipside emergency-stop begin 'A customer says that it smells of smoke.'"],
  connects: true,
  run: async ({ words, connect }) => {
    const stop = await connect()("POST /api/v1/emergency-stop", { body: { reason: words[0]! } });
    return { json: stop, text: stopText(stop) };
  },
});
