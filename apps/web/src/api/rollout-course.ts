import type { RolloutCourse, RolloutEstimate } from "@flipside/api/types";
import { api } from "./http.ts";

export const getCourse = (id: string): Promise<RolloutCourse> =>
  api("GET /api/v1/rollouts/:id/course", { params: { id } });

export const getEstimate = (id: string): Promise<RolloutEstimate> =>
  api("GET /api/v1/rollouts/:id/estimate", { params: { id } });
