// /api/v1/claims

import { z } from "zod";
import { claimSecretPattern, claimsPerRequestMax } from "../limits.ts";
import { json, named, route, secret } from "../route.ts";
import { count, deviceId, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

export const claimSecret = secret(z.string().regex(claimSecretPattern, "not base64url of 32 bytes"));

export const claim = named("Claim", z.strictObject({ deviceId, secret: claimSecret }));

export const claimPage = named(
  "ClaimList",
  z.strictObject({
    claims: z.array(
      z.strictObject({ deviceId, createdAt: time, enrolled: z.boolean().describe("there is such a device") }),
    ),
    next,
  }),
);

export const listClaims = route({
  method: "GET",
  path: "/api/v1/claims",
  access: "fleet:read",
  summary: "Devices that have a claim, by their ids; secrets are told to nobody",
  query: z.object(pageQuery),
  status: 200,
  answer: json(claimPage),
});

export const importClaims = route({
  method: "POST",
  path: "/api/v1/claims",
  access: "devices:enrol",
  summary: "Store claims: all of them or none",
  body: json(named("ClaimImport", z.strictObject({ claims: z.array(claim).min(1).max(claimsPerRequestMax) }))),
  status: 201,
  answer: json(named("ClaimsImported", z.strictObject({ imported: count }))),
  errors: ["claim-exists"],
});
