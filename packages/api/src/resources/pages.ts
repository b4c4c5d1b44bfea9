// Lists a page at a time. A cursor says after which member a page begins, not how many came before it: members that
// stay are in one page, and in one only, whatever comes and goes meanwhile (docs/api.md).

import { z } from "zod";
import { time } from "./forms.ts";
import { cursorCharactersMax, pageMembersDefault, pageMembersMax } from "../limits.ts";

const limitText = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, `a whole number from 1 to ${pageMembersMax}`)
  .refine((text) => Number(text) <= pageMembersMax, `a whole number from 1 to ${pageMembersMax}`);

/** What is asked of every list. */
export const pageQuery = {
  limit: limitText.default(String(pageMembersDefault)).describe("how many at most"),
  after: z
    .string()
    .min(1)
    .max(cursorCharactersMax)
    .optional()
    .describe("`next` of the page before; left out: the first page"),
};

/** What is asked of lists of what can be archived. */
export const archivedQuery = {
  archived: z.enum(["true", "false"]).default("false").describe("true: those that are archived, too"),
};

/** When it was put away, of what can be. */
export const archivedAt = time.nullable().describe("since when it is archived: out of lists; null: it is not");

/** What every list says besides its members. */
export const next = z.string().nullable().describe("what to ask for after this page; null: this was the last one");
