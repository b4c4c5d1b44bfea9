// `flipside rollout show`

import { command } from "../../command-line/command.ts";
import { rolloutText } from "../../rollouts/rollout-text.ts";

export const showRollout = command({
  name: "rollout show",
  summary: "A rollout's waves and decisions",
  arguments: [{ name: "ROLLOUT", what: "its id" }],
  options: {},
  examples: ["flipside rollout show 0d9f2c"],
  connects: true,
  run: async ({ words, connect }) => {
    const rollout = await connect()("GET /api/v1/rollouts/:id", { params: { id: words[0]! } });
    const lines = rollout.decisions.map(({ at, text }) => `${at}  ${text}`);
    return { json: rollout, text: [rolloutText(rollout), ...lines].join("\n") };
  },
});
