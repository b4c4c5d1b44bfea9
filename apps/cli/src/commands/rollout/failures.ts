// `flipside rollout failures`

import { everyPage } from "@flipside/api/every-page";
import type { FailureCluster } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { failureTable } from "../../rollouts/failure-text.ts";

export const rolloutFailures = command({
  name: "rollout failures",
  summary: "A rollout's failed updates, those of one code, hardware and previous version together",
  about: "The largest group first, each with three devices at most that failed so, the last to fail first.",
  arguments: [{ name: "ROLLOUT", what: "its id" }],
  options: {},
  examples: ["flipside rollout failures 0d9f2c"],
  connects: true,
  run: async ({ words, connect }) => {
    const api = connect();
    const failures = await everyPage<FailureCluster>(async (query) => {
      const { failures, next } = await api("GET /api/v1/rollouts/:id/failures", { params: { id: words[0]! }, query });
      return { members: failures, next };
    });
    return { json: { failures, next: null }, text: failureTable(failures) };
  },
});
