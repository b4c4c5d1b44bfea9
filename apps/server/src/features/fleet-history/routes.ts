// /api/v1/fleet-history

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { FleetCounting } from "./fleet-history.ts";

export const fleetHistoryRoutes = (counting: Pick<FleetCounting, "read">): BoundRoute[] => [
  bind(routes.getFleetHistory, ({ query }) => counting.read(query.span)),
];
