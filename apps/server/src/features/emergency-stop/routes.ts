// /api/v1/emergency-stop

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { EmergencyStop } from "./emergency-stop.ts";

export function emergencyStopRoutes(emergencyStop: EmergencyStop): BoundRoute[] {
  return [
    bind(routes.getEmergencyStop, async () => emergencyStop.view()),
    bind(routes.setEmergencyStop, ({ body, user }) => emergencyStop.set(body.reason, user.userName)),
    bind(routes.endEmergencyStop, ({ user }) => emergencyStop.end(user.userName)),
  ];
}
