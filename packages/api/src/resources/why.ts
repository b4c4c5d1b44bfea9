// What is being waited for: of a rollout, and of a device.

import { z } from "zod";
import { json, named, route } from "../route.ts";
import { idParams, time } from "./forms.ts";

export const why = named(
  "Why",
  z.strictObject({
    sentence: z.string().describe("what is being waited for, in one sentence"),
    since: time.nullable().describe("null: not known, or nothing is waited for"),
    until: time.nullable().describe("when it ends by itself at the latest; null: never, or not known"),
    actions: z.array(z.string()).describe("what a person can do about it, each in words that follow 'You can'"),
  }),
);

const asked = { method: "GET", access: "fleet:read", params: idParams, status: 200, answer: json(why) } as const;

export const whyRollout = route({
  ...asked,
  scoped: "by-rollout",
  path: "/api/v1/rollouts/:id/why",
  summary: "What the rollout waits for, since when, until when, and what can be done",
});

export const whyDevice = route({
  ...asked,
  scoped: "by-device",
  path: "/api/v1/devices/:id/why",
  summary: "What the device waits for, since when, until when, and what can be done",
});
