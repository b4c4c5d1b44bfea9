// What a rollout watches of its devices beyond their own trial, and what it has seen (docs/health-gate.md).

import { z } from "zod";
import {
  healthErrorRateDefault,
  healthErrorRateMax,
  healthErrorRateMin,
  healthMetricsMax,
  reconnectsAtLeastDefault,
  reconnectsAtLeastMax,
  reconnectsWithinMsDefault,
  reconnectsWithinMsMax,
  reconnectsWithinMsMin,
} from "../limits.ts";
import { isPlainText } from "../plain-text.ts";
import { named } from "../route.ts";
import { count, time } from "./forms.ts";
import { thresholdAction } from "./rollout-rules.ts";

export const healthMetric = named(
  "HealthMetric",
  z.discriminatedUnion("kind", [
    z
      .strictObject({ kind: z.literal("crashes") })
      .describe("a device fails when it boots after a trap or a watchdog reset, or reports a crash"),
    z
      .strictObject({
        kind: z.literal("reconnects"),
        atLeast: z.int().min(1).max(reconnectsAtLeastMax).default(reconnectsAtLeastDefault),
        withinMs: z.int().min(reconnectsWithinMsMin).max(reconnectsWithinMsMax).default(reconnectsWithinMsDefault),
      })
      .describe("a device fails when it begins so many new sessions within the time"),
    z
      .strictObject({
        kind: z.literal("reported"),
        name: z.string().min(1).max(64).refine(isPlainText, "holds characters that are not seen"),
        worse: z.enum(["higher", "lower"]),
        limit: z
          .int()
          .min(-0x8000_0000)
          .max(0x7fff_ffff)
          .optional()
          .describe("left out: such that 5 % of the rollout's devices are beyond it when the rollout is made"),
      })
      .describe("a device fails when its app reports a value beyond the limit; those that are already don't count"),
  ]),
);

/** Names one of a rollout's metrics. */
const keyOf = (metric: z.output<typeof healthMetric>): string =>
  metric.kind === "reported" ? `${metric.worse} ${metric.name}` : metric.kind;

export const healthSettings = named(
  "HealthSettings",
  z.strictObject({
    metrics: z
      .array(healthMetric)
      .min(1)
      .max(healthMetricsMax)
      .refine((metrics) => new Set(metrics.map(keyOf)).size === metrics.length, "names a metric twice"),
    errorRate: z
      .number()
      .min(healthErrorRateMin)
      .max(healthErrorRateMax)
      .default(healthErrorRateDefault)
      .describe("probability that an update which changes nothing fails the gate, at any time, by any of the metrics"),
    action: thresholdAction
      .exclude(["roll-back-wave"])
      .default("pause")
      .describe("what the rollout does by itself when the gate fails"),
  }),
);

const arm = z.strictObject({
  failed: count.describe("devices, each counted at its first failure"),
  atRisk: count.describe("devices that were there at the last look, and had not failed"),
});

export const healthTest = named(
  "HealthTest",
  z.strictObject({
    metric: healthMetric,
    failure: z.string().describe("what a device has done that has failed"),
    updated: arm,
    others: arm.describe("devices that waited for their update"),
    ratio: z
      .number()
      .nullable()
      .describe("updated devices fail so many times as often; null: of the others none has failed"),
    odds: z
      .number()
      .describe("what was seen is so many times as likely if updated devices fail more often as if they do not"),
    oddsNeeded: z.number().describe("at these the gate fails"),
    lookedAt: time.nullable().describe("when a device failed last; null: none has"),
  }),
);
