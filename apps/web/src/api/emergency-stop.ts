import type { EmergencyStop } from "@flipside/api/types";
import { api } from "./http.ts";

export const getEmergencyStop = (): Promise<EmergencyStop> => api("GET /api/emergency-stop");

export const setEmergencyStop = (reason: string): Promise<EmergencyStop> =>
  api("POST /api/emergency-stop", { body: { reason } });

export const endEmergencyStop = (): Promise<EmergencyStop> => api("POST /api/emergency-stop/end");
