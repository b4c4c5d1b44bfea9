// `flipside rollout why`

import { command } from "../../command-line/command.ts";
import { whyText } from "../../why-text.ts";

export const whyRollout = command({
  name: "rollout why",
  summary: "What a rollout waits for, and what can be done",
  arguments: [{ name: "ROLLOUT", what: "its id" }],
  options: {},
  examples: ["flipside rollout why 0d9f2c"],
  connects: true,
  run: async ({ words, connect }) => {
    const why = await connect()("GET /api/v1/rollouts/:id/why", { params: { id: words[0]! } });
    return { json: why, text: whyText(why) };
  },
});
