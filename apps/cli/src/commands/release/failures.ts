// `flipside release failures`

import { everyPage } from "@flipside/api/every-page";
import type { FailureCluster } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { failureTable } from "../../rollouts/failure-text.ts";
import { findRelease } from "../../rollouts/find-release.ts";

export const releaseFailures = command({
  name: "release failures",
  summary: "Failed updates to a release by any rollout, those of one code, hardware and previous version together",
  arguments: [{ name: "RELEASE", what: "its version, or its id" }],
  options: { product: { value: "PRODUCT", what: "where several products have such a version" } },
  examples: ["flipside release failures 2.0.0"],
  connects: true,
  run: async ({ words, options, connect }) => {
    const api = connect();
    const { id } = await findRelease(api, words[0]!, options.product);
    const failures = await everyPage<FailureCluster>(async (query) => {
      const { failures, next } = await api("GET /api/v1/releases/:id/failures", { params: { id }, query });
      return { members: failures, next };
    });
    return { json: { failures, next: null }, text: failureTable(failures) };
  },
});
