import { request } from "./http.ts";
import type { NewRollout, Rollout, RolloutSummary } from "./types.ts";

const at = (id: string): string => `/api/rollouts/${encodeURIComponent(id)}`;

export const listRollouts = async (): Promise<RolloutSummary[]> =>
  (await request<{ rollouts: RolloutSummary[] }>("GET", "/api/rollouts")).rollouts;

export const getRollout = (id: string): Promise<Rollout> => request("GET", at(id));

export const createRollout = (rollout: NewRollout): Promise<Rollout> => request("POST", "/api/rollouts", rollout);

export type RolloutAction = "pause" | "resume" | "cancel";

export const actOnRollout = (id: string, action: RolloutAction): Promise<Rollout> =>
  request("POST", `${at(id)}/${action}`);
