import type { Why } from "@flipside/api/types";
import { api } from "./http.ts";

export const whyRollout = (id: string): Promise<Why> => api("GET /api/rollouts/:id/why", { params: { id } });

export const whyDevice = (id: string): Promise<Why> => api("GET /api/devices/:id/why", { params: { id } });
