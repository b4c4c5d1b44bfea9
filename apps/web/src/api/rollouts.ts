import type { RolloutAction } from "@flipside/api/rollout-transitions";
import type { NewRollout, Rollout, RolloutSummary } from "@flipside/api/types";
import { api } from "./http.ts";

export const listRollouts = async (): Promise<RolloutSummary[]> => (await api("GET /api/rollouts")).rollouts;

export const getRollout = (id: string): Promise<Rollout> => api("GET /api/rollouts/:id", { params: { id } });

export const createRollout = (rollout: NewRollout): Promise<Rollout> => api("POST /api/rollouts", { body: rollout });

export const actOnRollout = (id: string, action: RolloutAction): Promise<Rollout> =>
  api(`POST /api/rollouts/:id/${action}`, { params: { id } });
