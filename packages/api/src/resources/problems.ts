// Refusals: RFC 9457 problem details.

import { z } from "zod";
import { named } from "../route.ts";
import { count } from "./forms.ts";

export const problem = named(
  "Problem",
  z.strictObject({
    type: z.string().describe("urn:flipside:error:<code>"),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("what to do about it"),
    code: z.string().describe("stable"),
    instance: z.string().optional().describe("urn:flipside:request:<id>, the id of X-Request-Id"),
    errors: z
      .array(
        z.strictObject({
          path: z.string(),
          message: z.string(),
          position: z
            .strictObject({ offset: count, length: count, line: z.int().min(1), column: z.int().min(1) })
            .optional()
            .describe("of the characters at fault in a member's text, in UTF-16 units"),
        }),
      )
      .optional()
      .describe("the members at fault"),
  }),
);
