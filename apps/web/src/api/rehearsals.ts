import type { NewRehearsal, Rehearsal } from "@flipside/api/types";
import { api } from "./http.ts";

export const createRehearsal = (rehearsal: NewRehearsal): Promise<Rehearsal> =>
  api("POST /api/v1/rehearsals", { body: rehearsal });

export const getRehearsal = (id: string): Promise<Rehearsal> => api("GET /api/v1/rehearsals/:id", { params: { id } });

export const cancelRehearsal = (id: string): Promise<Rehearsal> =>
  api("POST /api/v1/rehearsals/:id/cancel", { params: { id } });
