// /api/v1/mender: who may come by Mender's device API (docs/mender.md).

import { z } from "zod";
import { targetIdPattern } from "../limits.ts";
import { json, named, route } from "../route.ts";
import { hardwareName, idParams, revision, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

export const menderAuthSetState = z.enum(["pending", "accepted", "rejected"]);

export const menderAuthSet = named(
  "MenderAuthSet",
  z.strictObject({
    id: z.string(),
    identity: z.record(z.string(), z.string()).describe("what the device says that it is"),
    publicKey: z.string().describe("PEM"),
    state: menderAuthSetState,
    deviceId: z.string().nullable().describe("in the fleet; null: it was never accepted"),
    createdAt: time,
    askedAt: time.nullable().describe("when it asked last, to within a minute or the life of its token; null: never"),
  }),
);

export const menderAuthSetPage = named("MenderAuthSetList", z.strictObject({ authSets: z.array(menderAuthSet), next }));

const admission = {
  id: z
    .string()
    .regex(targetIdPattern, "1 to 48 letters, digits, . _ : and -, not beginning with a sign")
    .optional()
    .describe("that it gets in the fleet; left out: its MAC address, its only value, or a hash of all"),
  hardware: hardwareName.optional().describe("left out: the device_type that it says"),
  revision: revision.optional().describe("of the hardware; left out: 1"),
};

export const listMenderAuthSets = route({
  method: "GET",
  path: "/api/v1/mender/auth-sets",
  access: "devices:enrol",
  summary: "Keys that speak for devices with Mender's client, or would like to; the oldest first",
  query: z.object({ ...pageQuery, state: menderAuthSetState.optional() }),
  status: 200,
  answer: json(menderAuthSetPage),
  errors: ["mender-off"],
});

export const acceptMenderAuthSet = route({
  method: "POST",
  path: "/api/v1/mender/auth-sets/:id/accept",
  access: "devices:enrol",
  summary: "Let a device in by this key, and by no other of the same identity",
  params: idParams,
  body: json(
    named(
      "MenderAdmission",
      z.strictObject({
        ...admission,
        product: hardwareName.optional().describe("of the releases that are for it; needed the first time"),
      }),
    ),
  ),
  status: 200,
  answer: json(menderAuthSet),
  errors: ["mender-off", "device-exists", "device-revoked"],
});

export const rejectMenderAuthSet = route({
  method: "POST",
  path: "/api/v1/mender/auth-sets/:id/reject",
  access: "devices:enrol",
  summary: "Let nobody in by this key; the token that it has is worthless at once",
  params: idParams,
  status: 200,
  answer: json(menderAuthSet),
  errors: ["mender-off"],
});

export const preauthorizeMenderDevice = route({
  method: "POST",
  path: "/api/v1/mender/auth-sets",
  access: "devices:enrol",
  summary: "Accept a device with Mender's client before it comes",
  body: json(
    named(
      "MenderPreauthorization",
      z.strictObject({
        identity: z.record(z.string().min(1).max(64), z.string().max(256)).describe("as the device says it"),
        publicKey: z.string().max(4096).describe("PEM"),
        ...admission,
        product: hardwareName.describe("of the releases that are for it"),
      }),
    ),
  ),
  status: 201,
  answer: json(menderAuthSet),
  errors: ["mender-off", "device-exists", "device-revoked"],
});
