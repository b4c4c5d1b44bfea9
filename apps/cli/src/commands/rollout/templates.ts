// `flipside rollout templates`

import { everyPage } from "@flipside/api/every-page";
import type { RolloutTemplate } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";

export const rolloutTemplates = command({
  name: "rollout templates",
  summary: "Settings of rollouts that were kept under a name",
  about: "A rollout begins with one of them by flipside rollout create --template NAME.",
  options: {},
  examples: ["flipside rollout templates"],
  connects: true,
  run: async ({ connect }) => {
    const api = connect();
    const templates = await everyPage<RolloutTemplate>(async (query) => {
      const { templates, next } = await api("GET /api/v1/rollout-templates", { query });
      return { members: templates, next };
    });
    const rows = templates.map(({ name, settings, savedAt, savedBy }) => [
      name,
      String(settings.waves.length),
      `${settings.failureThresholdPercent} %`,
      savedAt,
      savedBy,
    ]);
    const text = rows.length === 0 ? "no templates" : table(["NAME", "WAVES", "FAILURES ABOVE", "SAVED", "BY"], rows);
    return { json: { templates, next: null }, text };
  },
});
