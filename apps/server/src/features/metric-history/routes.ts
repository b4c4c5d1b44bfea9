// /api/v1/devices/:id/metrics

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { MetricReading } from "./reading.ts";

export function metricRoutes(reading: MetricReading): BoundRoute[] {
  return [
    bind(routes.listMetrics, ({ params }) => reading.list(params.id)),
    bind(routes.getMetricHistory, ({ params, query }) => reading.history(params.id, params.name, query)),
  ];
}
