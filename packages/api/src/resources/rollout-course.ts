// How a rollout went so far, and when it is likely to end.

import { z } from "zod";
import { json, named, route } from "../route.ts";
import { count, idParams, time } from "./forms.ts";

export const courseStep = named(
  "RolloutCourseStep",
  z.strictObject({
    at: time.describe("when the span of time begins"),
    wave: count.describe("index"),
    succeeded: count.describe("deployments that ended in it, confirmed"),
    failed: count.describe("deployments that ended in it otherwise, without those that were cancelled"),
  }),
);

export const rolloutCourse = named(
  "RolloutCourse",
  z.strictObject({
    from: time.describe("when the rollout was made"),
    until: time.describe("now; of one that is over, its end"),
    spanMs: z.int().min(1).describe("how long each span is"),
    steps: z.array(courseStep).describe("spans in which something ended, oldest first"),
  }),
);

const asked = {
  method: "GET",
  access: "fleet:read",
  scoped: "by-rollout",
  params: idParams,
  status: 200,
} as const;

export const getRolloutCourse = route({
  ...asked,
  path: "/api/v1/rollouts/:id/course",
  summary: "When a rollout's deployments ended, and how, by spans of time",
  answer: json(rolloutCourse),
});

export const estimate = named(
  "RolloutEstimate",
  z.strictObject({
    endsAt: time.nullable().describe("when it ends if it goes on as it went; null: that can't be said"),
    sentence: z.string().describe("what that follows from, or why it can't be said"),
  }),
);

export const estimateRollout = route({
  ...asked,
  path: "/api/v1/rollouts/:id/estimate",
  summary: "When a rollout is likely to end, and what that follows from",
  answer: json(estimate),
});
