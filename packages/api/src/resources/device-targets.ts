// Which devices something is done to at once: those that a filter means, or some by their ids. Of very many it is done
// by several requests, each of which says where the next one goes on.

import { z } from "zod";
import { devicesAtOnceMax, filterCharactersMax, namedDevicesMax } from "../limits.ts";
import { count } from "./forms.ts";
import { pageQuery } from "./pages.ts";

export const deviceTarget = {
  where: z
    .string()
    .trim()
    .min(1, "say which devices: `has id` means all")
    .max(filterCharactersMax)
    .optional()
    .describe("docs/device-filter.md; this or `deviceIds`"),
  deviceIds: z
    .array(z.string())
    .min(1)
    .max(namedDevicesMax)
    .refine((ids) => new Set(ids).size === ids.length, "names a device twice")
    .optional()
    .describe("this or `where`"),
  after: pageQuery.after,
};

type Target = { where?: string | undefined; deviceIds?: readonly string[] | undefined };

export const namesOneTarget = ({ where, deviceIds }: Target): boolean =>
  (where === undefined) !== (deviceIds === undefined);

export const oneTarget = { path: ["where"], message: "say which devices: give either `where` or `deviceIds`" };

/** What is said of each of them. */
export const ofTarget = {
  unknown: count.describe("of `deviceIds`: that are no device's"),
  next: z.string().nullable().describe("`after` of the next request, of the rest; null: these were all"),
};

export const atOnce = `of up to ${devicesAtOnceMax.toLocaleString("en")} at a time`;
