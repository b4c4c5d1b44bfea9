// /api/v1/device-views: lists of devices that somebody keeps under a name.

import { z } from "zod";
import { deviceSorts } from "../device-sorts.ts";
import { filterCharactersMax, viewColumnsMax, viewNameCharactersMax } from "../limits.ts";
import { json, named, nothing, route } from "../route.ts";
import { idParams, time } from "./forms.ts";

const columns = z
  .array(z.string().regex(/^[a-zA-Z][A-Za-z0-9_.-]{0,47}$/, "no name of a column"))
  .max(viewColumnsMax)
  .nullable();

export const newDeviceView = named(
  "NewDeviceView",
  z.strictObject({
    name: z.string().trim().min(1, "give it a name").max(viewNameCharactersMax),
    shared: z.boolean().default(false).describe("for everybody who sees what its owner sees"),
    filter: z.string().trim().max(filterCharactersMax).default("").describe("docs/device-filter.md; empty: all"),
    query: z.string().max(200).default("").describe("words, as in the list of devices"),
    sort: z.enum(deviceSorts).default("id"),
    columns: columns.default(null).describe("that the console shows; null: its own choice"),
  }),
);

export const deviceView = named(
  "DeviceView",
  z.strictObject({
    id: z.string(),
    owner: z.string(),
    name: z.string(),
    shared: z.boolean(),
    filter: z.string(),
    query: z.string(),
    sort: z.enum(deviceSorts),
    columns,
    savedAt: time,
  }),
);

export const listDeviceViews = route({
  method: "GET",
  path: "/api/v1/device-views",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "Lists of devices that one has kept, and those that others share, by their names",
  status: 200,
  answer: json(named("DeviceViewList", z.strictObject({ views: z.array(deviceView) }))),
});

export const saveDeviceView = route({
  method: "POST",
  path: "/api/v1/device-views",
  access: "devices:write",
  scoped: "in-handler",
  summary: "Keep a list of devices under a name, in place of one's own of that name",
  body: json(newDeviceView),
  status: 201,
  answer: json(deviceView),
  errors: ["filter-malformed"],
});

export const deleteDeviceView = route({
  method: "DELETE",
  path: "/api/v1/device-views/:id",
  access: "devices:write",
  scoped: "in-handler",
  summary: "Forget a list that one has kept, or one that is shared; the devices stay",
  params: idParams,
  status: 204,
  answer: nothing,
});
