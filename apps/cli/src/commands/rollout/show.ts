// `flipside rollout show`

import { command } from "../../command-line/command.ts";
import { rolloutText } from "../../rollouts/rollout-text.ts";

export const showRollout = command({
  name: "rollout show",
  summary: "A rollout's waves, when it is likely to end, and its decisions",
  arguments: [{ name: "ROLLOUT", what: "its id" }],
  options: {},
  examples: ["flipside rollout show 0d9f2c"],
  connects: true,
  run: async ({ words, connect }) => {
    const api = connect();
    const params = { id: words[0]! };
    const rollout = await api("GET /api/v1/rollouts/:id", { params });
    const estimate = rollout.finishedAt === null ? await api("GET /api/v1/rollouts/:id/estimate", { params }) : null;
    const lines = rollout.decisions.map(({ at, text }) => `${at}  ${text}`);
    const end = estimate === null ? [] : [`estimated end: ${estimate.endsAt ?? "not known"}. ${estimate.sentence}`];
    return { json: rollout, text: [rolloutText(rollout), ...end, ...lines].join("\n") };
  },
});
