// /api/v1/fleet-history

import { z } from "zod";
import { fleetSpanNames } from "../fleet-spans.ts";
import { json, named, route } from "../route.ts";
import { deviceSummary } from "./devices.ts";
import { count, time } from "./forms.ts";

export const fleetCount = named(
  "FleetCount",
  deviceSummary.extend({ at: time.describe("when it was counted, to within a quarter of an hour; the last one: now") }),
);

export const fleetHistoryAnswer = named(
  "FleetHistory",
  z.strictObject({
    from: time,
    to: time,
    stepMs: count.describe("between two counts; a longer time without one: nobody counted"),
    counts: z.array(fleetCount).describe("oldest first; the last is of now"),
  }),
);

export const getFleetHistory = route({
  method: "GET",
  path: "/api/v1/fleet-history",
  access: "fleet:read",
  summary: "How many devices there were, of which versions, and how many were online, over time",
  query: z.object({
    span: z.enum(fleetSpanNames).default("day").describe("how far back; 91 days at most"),
  }),
  status: 200,
  answer: json(fleetHistoryAnswer),
});
