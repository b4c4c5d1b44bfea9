// /api/v1/claims

import { z } from "zod";
import {
  claimEnrolmentsMax,
  claimLifeDaysMax,
  claimSecretPattern,
  claimsPerRequestMax,
  publicKeyPattern,
} from "../limits.ts";
import { json, named, nothing, route, secret } from "../route.ts";
import { count, deviceId, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

export const claimSecret = secret(z.string().regex(claimSecretPattern, "not base64url of 32 bytes"));

const publicKey = z.string().regex(publicKeyPattern, "not base64url of 32 bytes");

export const claim = named(
  "Claim",
  z.strictObject({
    deviceId,
    secret: claimSecret,
    publicKey: publicKey.optional().describe("the one key that may enrol; left out: the first that proves the claim"),
  }),
);

const claimShown = named(
  "ClaimShown",
  z.strictObject({
    deviceId,
    createdAt: time,
    enrolled: z.boolean().describe("there is such a device"),
    endsAt: time.nullable().describe("nobody enrols by it after"),
    enrolmentsLeft: count.nullable().describe("how often somebody may still enrol by it; null: as often as they like"),
    lastEnrolledAt: time.nullable(),
    publicKey: publicKey.nullable().describe("the one key that may enrol"),
    approval: z.enum(["not-needed", "needed", "given"]).describe("whether an operator looks before it is let in"),
    asked: z
      .strictObject({ publicKey, at: time })
      .nullable()
      .describe("who has proved the claim, and waits for the approval"),
  }),
);

export const claimPage = named("ClaimList", z.strictObject({ claims: z.array(claimShown), next }));

const deviceParams = z.strictObject({ deviceId: z.string() });

export const listClaims = route({
  method: "GET",
  path: "/api/v1/claims",
  access: "fleet:read",
  summary: "Devices that have a claim, by their ids; secrets are told to nobody",
  query: z.object({
    ...pageQuery,
    waiting: z.enum(["yes"]).optional().describe("those alone that wait for an approval"),
  }),
  status: 200,
  answer: json(claimPage),
});

export const importClaims = route({
  method: "POST",
  path: "/api/v1/claims",
  access: "devices:enrol",
  summary: "Store claims: all of them or none",
  body: json(
    named(
      "ClaimImport",
      z.strictObject({
        claims: z.array(claim).min(1).max(claimsPerRequestMax),
        lifeDays: z.int().min(1).max(claimLifeDaysMax).optional().describe("left out: they hold for ever"),
        enrolments: z
          .int()
          .min(1)
          .max(claimEnrolmentsMax)
          .optional()
          .describe("how often each may be used; again within ten minutes, with the same key, is the same time"),
        approval: z.boolean().default(false).describe("an operator looks at each device before it is let in"),
      }),
    ),
  ),
  status: 201,
  answer: json(named("ClaimsImported", z.strictObject({ imported: count }))),
  errors: ["claim-exists"],
});

export const withdrawClaim = route({
  method: "DELETE",
  path: "/api/v1/claims/:deviceId",
  access: "devices:enrol",
  summary: "Nobody enrols by it any more; a device that has enrolled stays in",
  params: deviceParams,
  status: 204,
  answer: nothing,
});

export const approveClaim = route({
  method: "POST",
  path: "/api/v1/claims/:deviceId/approve",
  access: "devices:enrol",
  summary: "Let the device in that has proved the claim with this key, and no other",
  params: deviceParams,
  body: json(z.strictObject({ publicKey: publicKey.describe("as it has asked") })),
  status: 200,
  answer: json(claimShown),
  errors: ["claim-state"],
});
