import type { Configuration, ConfigurationDocument, PastConfiguration } from "@flipside/api/types";
import { everyPage } from "@flipside/api/every-page";
import { api } from "./http.ts";

export const getConfiguration = (id: string): Promise<Configuration> =>
  api("GET /api/v1/devices/:id/configuration", { params: { id } });

/** Newest first. */
export const configurationHistory = (id: string): Promise<PastConfiguration[]> =>
  everyPage(async (query) => {
    const page = await api("GET /api/v1/devices/:id/configuration/history", { params: { id }, query });
    return { members: page.configurations, next: page.next };
  });

export const setConfiguration = (id: string, document: ConfigurationDocument): Promise<Configuration> =>
  api("PUT /api/v1/devices/:id/configuration", { params: { id }, body: { document } });
