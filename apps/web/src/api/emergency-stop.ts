import type { EmergencyStop } from "@flipside/api/types";
import { api } from "./http.ts";

export const getEmergencyStop = (): Promise<EmergencyStop> => api("GET /api/v1/emergency-stop");

export const setEmergencyStop = (reason: string): Promise<EmergencyStop> =>
  api("POST /api/v1/emergency-stop", { body: { reason } });

export const endEmergencyStop = (): Promise<EmergencyStop> => api("POST /api/v1/emergency-stop/end");
