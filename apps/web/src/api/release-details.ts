import type { ReleaseDetail, ReleaseDifference } from "@flipside/api/types";
import { api } from "./http.ts";

export const getRelease = (id: string): Promise<ReleaseDetail> => api("GET /api/v1/releases/:id", { params: { id } });

/** What differs in it from the other one. */
export const compareReleases = (id: string, other: string): Promise<ReleaseDifference> =>
  api("GET /api/v1/releases/:id/differences/:other", { params: { id, other } });
