import { everyPage } from "@flipside/api/every-page";
import type { FailureCluster } from "@flipside/api/types";
import { api } from "./http.ts";

/** As many as anybody reads. */
const clustersMax = 200;

/** Of a rollout or a release, the largest first. */
export const listFailures = (of: "rollouts" | "releases", id: string): Promise<FailureCluster[]> =>
  everyPage(async (query) => {
    const { failures, next } = await api(`GET /api/v1/${of}/:id/failures`, { params: { id }, query });
    return { members: failures, next };
  }, clustersMax);
