// /api/v1/release-states

import { z } from "zod";
import { json, named, route } from "../route.ts";
import { count, time } from "./forms.ts";

/** Longer than any is, so that one that is too long is refused as what it is. */
const stateBytesMax = 4096;

export const releaseState = named(
  "ReleaseState",
  z.strictObject({
    product: z.string(),
    version: z.string().describe("of the newest release, for people"),
    releaseSequence: count,
    issuedAt: time,
    validUntil: time.describe("devices miss a newer one from then on"),
    uploadedAt: time,
    uploadedBy: z.string(),
  }),
);

export const listReleaseStates = route({
  method: "GET",
  path: "/api/v1/release-states",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "Which release of each product is the newest, as a release key has signed it",
  status: 200,
  answer: json(named("ReleaseStateList", z.strictObject({ states: z.array(releaseState) }))),
});

export const uploadReleaseState = route({
  method: "POST",
  path: "/api/v1/release-states",
  access: "releases:write",
  summary: "Upload a signed release state that is newer than the one that is there",
  body: { kind: "file", bytesMax: stateBytesMax, streamed: false },
  status: 201,
  answer: json(releaseState),
  refusesFiles: true,
});
