// /api/v1/emergency-stop: no offer to any device, until a person ends it.

import { z } from "zod";
import { emergencyReasonCharactersMax } from "../limits.ts";
import { isPlainText } from "../plain-text.ts";
import { json, named, route } from "../route.ts";
import { time } from "./forms.ts";

export const emergencyStop = named(
  "EmergencyStop",
  z.strictObject({
    stopped: z.boolean(),
    since: time.nullable(),
    by: z.string().nullable(),
    reason: z.string().nullable(),
  }),
);

const shown = { path: "/api/v1/emergency-stop", status: 200, answer: json(emergencyStop) } as const;

export const getEmergencyStop = route({
  ...shown,
  method: "GET",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "Whether all updates are stopped",
});

export const setEmergencyStop = route({
  ...shown,
  method: "POST",
  access: "updates:stop",
  errors: ["members-unconfirmed"],
  summary: "Stop all updates: no offer gets past it, also after a restart. Said again, the first one counts",
  body: json(
    z.strictObject({
      reason: z
        .string()
        .trim()
        .min(1)
        .max(emergencyReasonCharactersMax)
        .refine(isPlainText, "holds characters that are not seen"),
    }),
  ),
});

export const endEmergencyStop = route({
  ...shown,
  path: "/api/v1/emergency-stop/end",
  method: "POST",
  access: "updates:go-on",
  errors: ["members-unconfirmed"],
  takesTwo: true,
  summary: "Rollouts go on; what waits gets a new deadline",
});
