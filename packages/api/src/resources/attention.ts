// /api/v1/attention: what needs a person now, each with why, since when, until when, and what can be done.

import { z } from "zod";
import { attentionKindNames, attentionKinds, type AttentionKind } from "../attention-kinds.ts";
import { json, named, route } from "../route.ts";
import { count, formatCode, time } from "./forms.ts";
import { why } from "./why.ts";

const kinds = attentionKindNames.map((kind: AttentionKind) => `${kind}: ${attentionKinds[kind]}`).join("; ");

export const attentionItem = named(
  "AttentionItem",
  z.strictObject({
    kind: z.enum(attentionKindNames).describe(kinds),
    why: why.describe("as of a rollout or a device"),
    rollout: z.strictObject({ id: z.string(), name: z.string() }).nullable(),
    release: z.strictObject({ id: z.string(), version: z.string() }).nullable(),
    failure: z
      .strictObject({ state: z.string(), code: formatCode, codeName: z.string().nullable() })
      .nullable()
      .describe("how deployments have ended, all alike"),
    devices: z
      .strictObject({
        count,
        isMore: z.boolean().describe("there are more than were counted"),
        examples: z.array(z.string()).describe("ids of some"),
        filter: z.string().nullable().describe("by which GET /api/v1/devices lists them; null: no filter says so"),
      })
      .nullable(),
  }),
);

export const listAttention = route({
  method: "GET",
  path: "/api/v1/attention",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "What needs a person now, the most pressing first: of what who asks sees, and may do something about",
  status: 200,
  answer: json(named("Attention", z.strictObject({ items: z.array(attentionItem), at: time }))),
});
