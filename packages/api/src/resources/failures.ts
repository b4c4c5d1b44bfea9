// Failed updates, those of one kind together: what they failed for, on which hardware, coming from which version.

import { z } from "zod";
import { retriedStates } from "../rollout-transitions.ts";
import { json, named, route } from "../route.ts";
import { count, digest, formatCode, idParams, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

export const failureCluster = named(
  "FailureCluster",
  z.strictObject({
    state: z.enum(retriedStates),
    code: formatCode,
    codeName: z.string().nullable().describe("null: no code came with it"),
    hardware: z.string().nullable().describe("null: of devices that are not known any more"),
    previousDigest: digest.nullable().describe("of the image that they ran when it was offered; null: not known"),
    previousVersion: z.string().nullable().describe("its version, where this server knows it"),
    count: count.describe("deployments; at least 1"),
    firstAt: time.describe("when the first of them ended so"),
    lastAt: time.describe("when the last of them did"),
    examples: z.array(z.string()).describe("ids of three devices at most, the last to fail first"),
  }),
);

const answer = json(
  named("Failures", z.strictObject({ failures: z.array(failureCluster).describe("the largest first"), next })),
);

const asked = { method: "GET", access: "fleet:read", params: idParams, status: 200, answer } as const;

export const listRolloutFailures = route({
  ...asked,
  scoped: "by-rollout",
  path: "/api/v1/rollouts/:id/failures",
  summary: "A rollout's failed updates, those of one code, hardware and previous version together",
  query: z.object(pageQuery),
});

export const listReleaseFailures = route({
  ...asked,
  scoped: "in-handler",
  path: "/api/v1/releases/:id/failures",
  summary: "Failed updates to a release by any rollout, those of one code, hardware and previous version together",
  query: z.object(pageQuery),
});
