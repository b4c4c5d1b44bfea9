// `flipside rollout list`

import { everyPage } from "@flipside/api/every-page";
import type { RolloutSummary } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { rolloutTable } from "../../rollouts/rollout-text.ts";

export const listRollouts = command({
  name: "rollout list",
  summary: "All rollouts, newest first",
  options: { archived: { what: "those that are archived, too" } },
  examples: ["flipside rollout list"],
  connects: true,
  run: async ({ options, connect }) => {
    const api = connect();
    const rollouts = await everyPage<RolloutSummary>(async (page) => {
      const { rollouts, next } = await api("GET /api/v1/rollouts", {
        query: { ...page, archived: options.archived ? "true" : "false" },
      });
      return { members: rollouts, next };
    });
    return { json: { rollouts, next: null }, text: rolloutTable(rollouts) };
  },
});
