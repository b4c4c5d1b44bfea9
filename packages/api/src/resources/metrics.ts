// /api/v1/devices/:id/metrics

import { z } from "zod";
import { metricNamesMax, metricPointsMax } from "../limits.ts";
import { json, named, route } from "../route.ts";
import { count, idParams, time } from "./forms.ts";

export const deviceMetric = named("DeviceMetric", z.strictObject({ name: z.string(), value: z.int(), at: time }));

export const metricPoint = named(
  "MetricPoint",
  z.strictObject({
    at: time.describe("of one that is a piece of time: its beginning"),
    min: z.int(),
    max: z.int(),
    mean: z.number(),
    last: z.int(),
    count: z.int().min(1).describe("values that were reported"),
  }),
);

export const metricHistoryPage = named(
  "MetricHistory",
  z.strictObject({
    name: z.string(),
    from: time,
    to: time,
    stepMs: count.nullable().describe("length of the pieces of time; null: each value as it was reported"),
    points: z.array(metricPoint).max(metricPointsMax).describe("oldest first; nothing of a time without values"),
  }),
);

export const listMetrics = route({
  method: "GET",
  path: "/api/v1/devices/:id/metrics",
  access: "fleet:read",
  scoped: "by-device",
  summary: `What the device's app has reported, with the newest values, by name: at most ${metricNamesMax}`,
  params: idParams,
  status: 200,
  answer: json(named("DeviceMetrics", z.strictObject({ metrics: z.array(deviceMetric) }))),
});

export const getMetricHistory = route({
  method: "GET",
  path: "/api/v1/devices/:id/metrics/:name",
  access: "fleet:read",
  scoped: "by-device",
  summary: `What a metric was, in at most ${metricPointsMax} points`,
  params: z.strictObject({ id: z.string(), name: z.string() }),
  query: z.object({
    from: time.optional().describe("left out: a day before `to`"),
    to: time.optional().describe("left out: now; not included itself"),
    stepMs: z
      .string()
      .regex(/^\d{1,12}$/, "a whole number of milliseconds")
      .optional()
      .describe("not shorter pieces than these; left out: as short as there is room for"),
  }),
  status: 200,
  answer: json(metricHistoryPage),
});
