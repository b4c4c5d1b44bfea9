import type { RolloutAction } from "@flipside/api/rollout-transitions";
import type { QueryInputOf } from "@flipside/api/route";
import type { Routes } from "@flipside/api/routes";
import { everyPage } from "@flipside/api/every-page";
import type {
  CompleteNewRollout,
  Deployment,
  NewRollout,
  Preflight,
  Rollout,
  RolloutSummary,
  RuleChange,
} from "@flipside/api/types";
import type { LaterWaveSize } from "../typed-waves.ts";
import { api } from "./http.ts";

/** `archived`: with those that are. */
export const listRollouts = (archived: "true" | "false"): Promise<RolloutSummary[]> =>
  everyPage(async (query) => {
    const { rollouts, next } = await api("GET /api/v1/rollouts", { query: { ...query, archived } });
    return { members: rollouts, next };
  });

export const deploymentPage = (
  id: string,
  query: NonNullable<QueryInputOf<Routes["listRolloutDeployments"]>>,
): Promise<{ deployments: Deployment[]; next: string | null }> =>
  api("GET /api/v1/rollouts/:id/deployments", { params: { id }, query });

export const getRollout = (id: string): Promise<Rollout> => api("GET /api/v1/rollouts/:id", { params: { id } });

export const createRollout = (rollout: NewRollout): Promise<Rollout> => api("POST /api/v1/rollouts", { body: rollout });

export const preflightRollout = (rollout: NewRollout): Promise<Preflight> =>
  api("POST /api/v1/rollouts/preflight", { body: rollout });

/** What would make it again. */
export const cloneRollout = (id: string): Promise<CompleteNewRollout> =>
  api("GET /api/v1/rollouts/:id/clone", { params: { id } });

export const actOnRollout = (id: string, action: RolloutAction): Promise<Rollout> =>
  api(`POST /api/v1/rollouts/:id/${action}`, { params: { id } });

export const archiveRollout = (id: string): Promise<Rollout> =>
  api("POST /api/v1/rollouts/:id/archive", { params: { id } });

export const unarchiveRollout = (id: string): Promise<Rollout> =>
  api("POST /api/v1/rollouts/:id/unarchive", { params: { id } });

export const deleteRollout = (id: string): Promise<void> => api("DELETE /api/v1/rollouts/:id", { params: { id } });

export const changeRules = (id: string, change: RuleChange): Promise<Rollout> =>
  api("PATCH /api/v1/rollouts/:id/rules", { params: { id }, body: change });

/** Of the waves that have not begun. */
export const resizeWaves = (id: string, waves: LaterWaveSize[]): Promise<Rollout> =>
  api("PUT /api/v1/rollouts/:id/later-waves", { params: { id }, body: { waves } });

/** Of these devices; of all that did not succeed. */
export const retryDevices = (id: string, deviceIds?: string[]): Promise<Rollout> =>
  api("POST /api/v1/rollouts/:id/retry", { params: { id }, body: deviceIds === undefined ? {} : { deviceIds } });

export const excludeDevices = (id: string, deviceIds: string[]): Promise<Rollout> =>
  api("POST /api/v1/rollouts/:id/exclude", { params: { id }, body: { deviceIds } });

/** Of one wave; of all. */
export const rollBackRollout = (id: string, wave?: number): Promise<Rollout> =>
  api("POST /api/v1/rollouts/:id/roll-back", { params: { id }, body: wave === undefined ? {} : { wave } });
