// What a new rollout's health gate starts from: limits that are learned from what devices report now, and who is beyond
// them already.

import type { HealthMetric, HealthSettings } from "@flipside/api/types";
import { isBeyond, limitOf, limitSampleMin, metricKey } from "../../domain/health/metrics.ts";
import { ApiError } from "../../http/errors.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Failure } from "../deployments/health-looks.ts";

const valuesOf = (devices: readonly DeviceRow[], name: string): { deviceId: string; value: number }[] =>
  devices.flatMap(({ id, metricName, metricValue }) =>
    metricName === name && metricValue !== null ? [{ deviceId: id, value: metricValue }] : [],
  );

/** With every limit. Throws ApiError when too few devices report a metric to learn one. */
export function withLimits({ metrics, ...others }: HealthSettings, devices: readonly DeviceRow[]): HealthSettings {
  const withLimit = (metric: HealthMetric, index: number): HealthMetric => {
    if (metric.kind !== "reported" || metric.limit !== undefined) return metric;
    const values = valuesOf(devices, metric.name).map(({ value }) => value);
    const limit = limitOf(metric.worse, values);
    if (limit !== undefined) return { ...metric, limit };
    const detail = `${values.length} of the rollout's devices report ${metric.name}; no limit can be learned from fewer than ${limitSampleMin}. Give one.`;
    throw new ApiError("validation-failed", detail, {
      errors: [{ path: `health.metrics.${index}.limit`, message: detail }],
    });
  };
  return { metrics: metrics.map(withLimit), ...others };
}

/** Who is beyond a limit before anything was updated counts on neither side. */
export const failedAlready = ({ metrics }: HealthSettings, devices: readonly DeviceRow[], at: number): Failure[] =>
  metrics.flatMap((metric) =>
    metric.kind !== "reported"
      ? []
      : valuesOf(devices, metric.name)
          .filter(({ value }) => isBeyond(metric, value))
          .map(({ deviceId }) => ({ deviceId, metric: metricKey(metric), side: "neither" as const, at })),
  );
