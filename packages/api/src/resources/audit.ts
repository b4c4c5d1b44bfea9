// /api/v1/audit: who did what, from where; also what was refused. Nothing of it is changed afterwards, which whoever
// reads all of it can see for itself (audit-chain.ts).

import { z } from "zod";
import { json, named, route } from "../route.ts";
import { count, digest, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

/** What one line says; members are in this order in the text that is hashed. */
export const auditSaid = z.strictObject({
  number: count,
  at: time,
  who: z.string().nullable().describe("the account; null: nobody that is known"),
  by: z.string().describe("session, token (its name and id), or nothing"),
  from: z.string().describe("the address"),
  what: z.string().describe("the operation's name, as in the document of the interface"),
  on: z.record(z.string(), z.string()).describe("what the address named"),
  stage: z.enum(["asked", "done", "failed", "refused"]),
  of: count.nullable().describe("the number of the line that says what was asked for"),
  code: z.string().nullable().describe("of the refusal"),
  detail: z.record(z.string(), z.unknown()).describe("what was asked for, without secrets; what was before and after"),
  request: z.string().optional().describe("its X-Request-Id; not in lines of older servers"),
});

export const auditLine = named(
  "AuditLine",
  z.strictObject({
    said: auditSaid,
    text: z.string().describe("what is hashed: the same as JSON"),
    hash: digest.describe("SHA-256 of the hash of the line before, in hex, a line feed, and the text"),
  }),
);

export const auditPage = named(
  "AuditPage",
  z.strictObject({
    lines: z.array(auditLine),
    start: z
      .strictObject({ number: count, hash: digest })
      .describe("the last line that was removed because of its age, or line 0: the chain begins behind it"),
    next,
  }),
);

export const listAudit = route({
  method: "GET",
  path: "/api/v1/audit",
  access: "audit:read",
  summary: "Lines of the record of who did what; the newest first, or from the beginning",
  query: z.object({
    ...pageQuery,
    order: z.enum(["newest-first", "oldest-first"]).default("newest-first"),
    who: z.string().min(1).max(100).optional().describe("of this account only"),
    what: z.string().min(1).max(100).optional().describe("of this operation only"),
  }),
  status: 200,
  answer: json(auditPage),
});
