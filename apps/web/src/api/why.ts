import type { Why } from "@flipside/api/types";
import { api } from "./http.ts";

export const whyRollout = (id: string): Promise<Why> => api("GET /api/v1/rollouts/:id/why", { params: { id } });

export const whyDevice = (id: string): Promise<Why> => api("GET /api/v1/devices/:id/why", { params: { id } });
