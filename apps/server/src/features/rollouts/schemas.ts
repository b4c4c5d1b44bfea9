import { z } from "zod";
import { isPlainText } from "../../plain-text.ts";

const dayMs = 24 * 60 * 60 * 1000;

const wave = z.union([
  z.strictObject({ percent: z.number().positive().max(100) }),
  z.strictObject({ count: z.number().int().positive().max(1_000_000) }),
]);

export const newRollout = z.strictObject({
  name: z.string().trim().min(1).max(100).refine(isPlainText, "holds characters that are not seen"),
  releaseId: z.string().min(1).max(64),
  target: z.union([
    z.strictObject({ deviceIds: z.array(z.string().min(1).max(48)).min(1).max(100_000) }),
    z.strictObject({ all: z.literal(true) }),
  ]),
  waves: z.array(wave).max(50).default([{ percent: 100 }]),
  /** From the start of a device's wave to its offer, and again from the offer to its end. */
  deadlineMs: z.number().int().min(1_000).max(30 * dayMs).default(dayMs),
  failureThresholdPercent: z.number().min(0).max(100).default(50),
  allowOlder: z.boolean().default(false),
});
export type NewRollout = z.infer<typeof newRollout>;
