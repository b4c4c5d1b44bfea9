import { everyPage } from "@flipside/api/every-page";
import type { RolloutSettings, RolloutTemplate } from "@flipside/api/types";
import { api } from "./http.ts";

export const listTemplates = (): Promise<RolloutTemplate[]> =>
  everyPage(async (query) => {
    const { templates, next } = await api("GET /api/v1/rollout-templates", { query });
    return { members: templates, next };
  });

/** One of this name is replaced. */
export const saveTemplate = (name: string, settings: Partial<RolloutSettings>): Promise<RolloutTemplate> =>
  api("POST /api/v1/rollout-templates", { body: { name, settings } });

export const deleteTemplate = (id: string): Promise<void> =>
  api("DELETE /api/v1/rollout-templates/:id", { params: { id } });
