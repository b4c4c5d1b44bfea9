// What clients send, as far as it is looked at; they send more. Members that the interface's description wants and that
// some client leaves out may be left out.

import { z } from "zod";
import type { SentAttributes } from "../other-agents/attributes.ts";

export const feedbackBytesMax = 256 * 1024;
export const attributesBytesMax = 64 * 1024;
const attributesSentMax = 500;

export const feedbackShape = z.object({
  status: z.object({
    execution: z.enum([
      "closed",
      "proceeding",
      "canceled",
      "scheduled",
      "rejected",
      "resumed",
      "download",
      "downloaded",
    ]),
    result: z.object({
      finished: z.enum(["success", "failure", "none"]),
      progress: z.object({ cnt: z.number().nullish(), of: z.number().nullish() }).nullish(),
    }),
    details: z.array(z.string()).nullish(),
  }),
});
export type Feedback = z.output<typeof feedbackShape>;

const attribute = z.union([z.string(), z.number(), z.boolean()]).nullable();

export const attributesShape: z.ZodType<SentAttributes> = z.object({
  mode: z.enum(["merge", "replace", "remove"]).default("merge"),
  data: z
    .record(z.string(), attribute)
    .refine((data) => Object.keys(data).length <= attributesSentMax, `more than ${attributesSentMax} attributes`),
});
