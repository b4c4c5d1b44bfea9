// /api/v1/hawkbit: devices that speak hawkBit's DDI, and what lets them in (docs/hawkbit.md).

import { z } from "zod";
import { targetTokenPattern, targetIdPattern } from "../limits.ts";
import { json, named, route, secret } from "../route.ts";
import { device } from "./devices.ts";
import { hardwareName, idParams, revision } from "./forms.ts";

export const newHawkbitDevice = named(
  "NewHawkbitDevice",
  z.strictObject({
    id: z.string().regex(targetIdPattern, "1 to 48 letters, digits, . _ : and -, not beginning with a sign"),
    product: hardwareName.describe("of the releases that are for it"),
    hardware: hardwareName,
    revision: revision.default(1).describe("of the hardware"),
    targetToken: secret(z.string().regex(targetTokenPattern, "32 to 128 letters, digits and . _ ~ + / = -"))
      .optional()
      .describe("that it has already, from another server; left out: one is made"),
  }),
);

const targetToken = secret(z.string()).describe("told this once, and kept nowhere");

export const registerHawkbitDevice = route({
  method: "POST",
  path: "/api/v1/hawkbit/devices",
  access: "devices:enrol",
  summary: "Make a device known that speaks hawkBit's DDI",
  body: json(newHawkbitDevice),
  status: 201,
  answer: json(named("HawkbitDevice", z.strictObject({ device, targetToken }))),
  errors: ["hawkbit-off", "device-exists"],
});

export const renewTargetToken = route({
  method: "POST",
  path: "/api/v1/hawkbit/devices/:id/token",
  access: "devices:enrol",
  scoped: "by-device",
  summary: "Give such a device another target token, in place of the one that it has",
  params: idParams,
  status: 200,
  answer: json(named("TargetToken", z.strictObject({ targetToken }))),
  errors: ["hawkbit-off"],
});
