import type { DeviceMetric, MetricHistoryPage } from "@flipside/api/types";
import { type MetricRange, rangeMsOf } from "../metric-plot.ts";
import { api } from "./http.ts";

export interface MetricWithHistory extends DeviceMetric {
  history: MetricHistoryPage;
}

/** All that the device's app has reported, up to now. */
export async function metricHistories(id: string, range: MetricRange): Promise<MetricWithHistory[]> {
  const from = new Date(Date.now() - rangeMsOf[range]).toISOString();
  const { metrics } = await api("GET /api/v1/devices/:id/metrics", { params: { id } });
  return Promise.all(
    metrics.map(async (metric) => ({
      ...metric,
      history: await api("GET /api/v1/devices/:id/metrics/:name", {
        params: { id, name: metric.name },
        query: { from },
      }),
    })),
  );
}
